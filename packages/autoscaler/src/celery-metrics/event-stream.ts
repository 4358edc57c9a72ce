import type { Bus, BusMessage, FleetEvent, Logger } from '@celeriac/brokers';
import { decodeEvents } from '@celeriac/protocol';
import { createEventSubscription } from '../fleet/event-subscription.ts';

/** All events of a fleet, as they come. */
export interface EventStream {
  /** Whether the subscription stands. */
  readonly listening: boolean;
  /** Events read. */
  readonly taken: number;
  /** Messages left unread because reading had its share of the second. */
  readonly unread: number;
  /** Begins; retries in the background until the broker is there. */
  start(): void;
  close(): Promise<void>;
}

export interface EventStreamOptions {
  readonly bus: Bus;
  readonly logger: Logger;
  readonly onEvent: (event: FleetEvent) => void;
  /** Called each time the subscription stands. */
  readonly onListening: () => void;
  /** How much of each second may be spent on events, ms: scaling comes first. Default 250, enough for about 20,000 events. */
  readonly shareMs?: number;
  /** By a clock that nobody sets, ms. Default: performance.now. */
  readonly now?: () => number;
}

const SECOND_MS = 1_000;
const SHARE_MS = 250;

/** Listens to `celeryev` with all its routing keys. Nothing is subscribed before `start`. */
export function createEventStream(options: EventStreamOptions): EventStream {
  const { bus, logger, onEvent, onListening, shareMs = SHARE_MS, now = () => performance.now() } = options;
  let taken = 0;
  let unread = 0;
  let secondBeganMs = Number.NEGATIVE_INFINITY;
  let spentMs = 0;

  const take = ({ message }: BusMessage): void => {
    const beganMs = now();
    if (beganMs - secondBeganMs >= SECOND_MS) {
      secondBeganMs = beganMs;
      spentMs = 0;
    }
    if (spentMs >= shareMs) {
      if (unread === 0) logger.warn({ shareMs }, 'more events than there is time for: celery_* are too low from now on');
      unread += 1;
      return;
    }
    const events = decodeEvents(message);
    taken += events.length;
    for (const event of events) onEvent(event);
    spentMs += now() - beganMs;
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
    close: () => subscription.close(),
  };
}
