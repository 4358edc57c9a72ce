import { encodeEvent, eventRoutingKey, type OutgoingEvent, stringifyJson } from '@celeriac/protocol';
import type { Logger } from '../observe/logger.ts';
import type { Bus } from '../transports/transport.ts';
import type { LamportClock } from './lamport-clock.ts';

const EXCHANGE = 'celeryev';
/** Task events of one turn travel as arrays of at most this many, as Celery's do (celery/events/dispatcher.py, 24). */
const MAX_BATCH = 24;
/** So many arrays travel at once; the next go when the broker has these. */
const MAX_UNDER_WAY = 40;
/** Events that wait while the broker is away; the oldest are dropped, as an event is worth nothing late. */
const MAX_WAITING = 10_000;

export interface EventDispatcherOptions {
  readonly bus: Bus;
  /** Node name, `name@host`. */
  readonly nodename: string;
  readonly clock: LamportClock;
  readonly pid: number;
  readonly logger: Logger;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Of a worker. Absent: a client, which is not started and has no heartbeat. */
  readonly heartbeat?: {
    /** Default 2,000. */
    readonly everyMs?: number;
    /** Fields of worker-online, -heartbeat and -offline: active, processed, loadavg, sw_ident, ... */
    readonly fields: () => Readonly<Record<string, unknown>>;
  };
  /** Called where task events were not sent and are lost. Default: a line at debug. */
  readonly onUnsent?: (error: unknown) => void;
}

/** Sends Celery events (celery-wire section 8): worker events at once, task events in arrays. Never throws, never waits. */
export interface EventDispatcher {
  /** Sends worker-online and begins the heartbeat. */
  start(): void;
  /** One event of the given type; the common fields are added. */
  send(type: string, fields: Readonly<Record<string, unknown>>): void;
  /** Answers the `heartbeat` command. */
  beat(): void;
  /** Sends what waits and, if it was started, worker-offline; resolves when the broker has them, or at the signal. */
  stop(signal: AbortSignal): Promise<void>;
}

/** Creates the dispatcher of one node. */
export function createEventDispatcher(options: EventDispatcherOptions): EventDispatcher {
  const { bus, nodename, clock, logger, now, pid } = options;
  const { heartbeat, onUnsent = (error: unknown): void => logger.debug({ err: error }, 'events not sent') } = options;
  const everyMs = heartbeat?.everyMs ?? 2_000;
  let timer: NodeJS.Timeout | undefined;
  let waiting: OutgoingEvent[] = [];
  let flushing: Promise<void> | undefined;
  let dropped = 0;

  const stamp = (type: string, fields: Readonly<Record<string, unknown>>) => ({
    hostname: nodename,
    utcoffset: new Date(now()).getTimezoneOffset() / 60,
    pid,
    clock: clock.forward(),
    ...fields,
    timestamp: now() / 1000,
    type,
  });

  const sendWorkerEvent = (type: string): Promise<void> => {
    const event = stamp(type, { freq: everyMs / 1000, ...heartbeat?.fields() });
    return bus.broadcast(EXCHANGE, eventRoutingKey(type), encodeEvent(event, nodename)).catch((error: unknown) => {
      logger.debug({ err: error, type }, 'event not sent');
    });
  };

  const flush = async (): Promise<void> => {
    while (waiting.length > 0) {
      const sendings: Promise<void>[] = [];
      while (waiting.length > 0 && sendings.length < MAX_UNDER_WAY) sendings.push(sendBatch(waiting.splice(0, MAX_BATCH)));
      await Promise.all(sendings);
    }
  };

  const sendBatch = async (batch: readonly OutgoingEvent[]): Promise<void> => {
    const first = batch[0] as OutgoingEvent;
    const body = new TextEncoder().encode(`[${batch.map((event) => stringifyJson(event)).join(', ')}]`);
    await bus.broadcast(EXCHANGE, 'task.multi', { ...encodeEvent(first, nodename), body });
  };

  const flushSoon = (): void => {
    flushing ??= new Promise<void>((resolve) => setImmediate(resolve)).then(flush).then(
      () => {
        flushing = undefined;
        if (waiting.length > 0) flushSoon();
      },
      (error: unknown) => {
        flushing = undefined;
        onUnsent(error);
      },
    );
  };

  return {
    start() {
      void sendWorkerEvent('worker-online');
      timer = setInterval(() => void sendWorkerEvent('worker-heartbeat'), everyMs);
      timer.unref();
    },
    send(type, fields) {
      if (waiting.length >= MAX_WAITING) {
        waiting.shift();
        dropped += 1;
        if (dropped === 1 || dropped % MAX_WAITING === 0) logger.warn({ dropped }, 'events dropped: the broker does not take them');
      }
      waiting.push(stamp(type, fields));
      flushSoon();
    },
    beat() {
      void sendWorkerEvent('worker-heartbeat');
    },
    async stop(signal) {
      clearInterval(timer);
      const ended = new Promise<void>((resolve) => {
        if (signal.aborted) resolve();
        else signal.addEventListener('abort', () => resolve(), { once: true });
      });
      const sent = Promise.resolve(flushing)
        .then(flush)
        .catch(() => {
          waiting = [];
        })
        // Who never came does not go: a supervisor would take it for a worker that had been well.
        .then(() => (timer === undefined ? undefined : sendWorkerEvent('worker-offline')));
      await Promise.race([sent, ended]);
    },
  };
}
