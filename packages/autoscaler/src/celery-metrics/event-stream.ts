import type { Bus, BusMessage, FleetEvent, Logger } from '@celeriac/brokers';
import { decodeEvents } from '@celeriac/protocol';
import { createEventSubscription } from '../fleet/event-subscription.ts';

/** All events of a fleet, as they come. */
export interface EventStream {
  /** Whether the subscription stands. */
  readonly listening: boolean;
  /** Events read. */
  readonly taken: number;
  /** Messages left unread because too many waited. */
  readonly unread: number;
  /** Begins; retries in the background until the broker is there. */
  start(): void;
  close(): Promise<void>;
}

export interface EventStreamOptions {
  readonly bus: Bus;
  readonly logger: Logger;
  readonly onEvent: (event: FleetEvent) => void;
  /** Called when the subscription stands. */
  readonly onListening: () => void;
  /** How much of each second may be spent on events, ms: scaling comes first. Default 250, enough for about 20,000 events. */
  readonly shareMs?: number;
  /** Messages that may wait to be read; one more is left unread. Default 20,000. */
  readonly mostWaiting?: number;
  /** By a clock that nobody sets, ms. Default: performance.now. */
  readonly now?: () => number;
}

const SECOND_MS = 1_000;
const SHARE_MS = 250;
/** Whoever decides about replicas waits no longer than this for a turn. */
const SLICE_MS = 5;
const MOST_WAITING = 20_000;
const MOST_WAITING_BYTES = 32 * 1024 * 1024;

/**
 * Listens to `celeryev` with all its routing keys. Nothing is subscribed before `start`. What comes waits in memory and is read in small slices
 * between everything else; what there is no time for in this second is read in the next.
 */
export function createEventStream(options: EventStreamOptions): EventStream {
  const { bus, logger, onEvent, onListening, shareMs = SHARE_MS, mostWaiting = MOST_WAITING, now = () => performance.now() } = options;
  const waiting: BusMessage[] = [];
  let waitingBytes = 0;
  let taken = 0;
  let unread = 0;
  let secondBeganMs = Number.NEGATIVE_INFINITY;
  let spentMs = 0;
  let next: NodeJS.Immediate | undefined;
  let rest: NodeJS.Timeout | undefined;

  const take = (message: BusMessage): void => {
    const { length } = message.message.body;
    if (waiting.length >= mostWaiting || waitingBytes + length > MOST_WAITING_BYTES) {
      if (unread === 0) logger.warn({ shareMs, mostWaiting }, 'more events than there is time for: celery_* are too low from now on');
      unread += 1;
      return;
    }
    waiting.push(message);
    waitingBytes += length;
    if (rest === undefined) next ??= setImmediate(read);
  };
  const read = (): void => {
    next = undefined;
    const beganMs = now();
    if (beganMs - secondBeganMs >= SECOND_MS) {
      secondBeganMs = beganMs;
      spentMs = 0;
    }
    const endMs = beganMs + Math.min(SLICE_MS, shareMs - spentMs);
    let count = 0;
    let nowMs = beganMs;
    for (; count < waiting.length && nowMs < endMs; nowMs = now()) {
      const { message } = waiting[count++] as BusMessage;
      waitingBytes -= message.body.length;
      const events = decodeEvents(message);
      taken += events.length;
      for (const event of events) onEvent(event);
    }
    waiting.splice(0, count);
    spentMs += nowMs - beganMs;
    if (waiting.length === 0) return;
    if (spentMs < shareMs) next = setImmediate(read);
    else {
      rest = setTimeout(
        () => {
          rest = undefined;
          read();
        },
        secondBeganMs + SECOND_MS - nowMs,
      );
    }
  };
  const subscription = createEventSubscription({ bus, binding: '#', onMessage: take, onListening, logger });

  return {
    get listening() {
      return subscription.listening;
    },
    get taken() {
      return taken;
    },
    get unread() {
      return unread;
    },
    start: () => subscription.start(),
    close() {
      clearImmediate(next);
      clearTimeout(rest);
      return subscription.close();
    },
  };
}
