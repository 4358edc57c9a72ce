import { randomUUID } from 'node:crypto';
import {
  type Arrival,
  applyFleetEvents,
  type Bus,
  emptyFleet,
  type FleetState,
  forgetWorkers,
  type Logger,
  type Subscription,
} from '@celeriac/brokers';
import { decodeEvents } from '@celeriac/protocol';

/** Listens to worker events and keeps who is there. */
export interface FleetWatch {
  readonly state: FleetState;
  /** Whether the subscription stands. */
  readonly listening: boolean;
  /** Begins; retries in the background until the broker is there. */
  start(): void;
  /** Calls back once for each turn in which events came, with the node names they came from. */
  onChange(listener: (nodenames: ReadonlySet<string>) => void): void;
  close(): Promise<void>;
}

/** Workers gone longer than this are forgotten, ms. */
const RETENTION_MS = 600_000;
const RETRY_MS = 1_000;

/** Creates the watch; nothing is subscribed before `start`. */
export function createFleetWatch(options: { readonly bus: Bus; readonly now: () => number; readonly logger: Logger }): FleetWatch {
  const { bus, now, logger } = options;
  const listeners: ((nodenames: ReadonlySet<string>) => void)[] = [];
  let state: FleetState = emptyFleet;
  let arrivals: Arrival[] = [];
  let subscription: Subscription | undefined;
  let retry: NodeJS.Timeout | undefined;
  let closed = false;
  let starting: Promise<void> = Promise.resolve();

  const fold = (): void => {
    const batch = arrivals;
    arrivals = [];
    const next = forgetWorkers(applyFleetEvents(state, batch), now(), RETENTION_MS);
    if (next === state) return;
    state = next;
    const names = new Set(batch.flatMap(({ event }) => (typeof event.hostname === 'string' ? [event.hostname] : [])));
    for (const listener of listeners) listener(names);
  };

  const subscribe = async (): Promise<void> => {
    try {
      const made = await bus.subscribe(
        { exchange: 'celeryev', type: 'topic', binding: 'worker.#', queue: `celeryev.${randomUUID()}` },
        ({ message }) => {
          if (arrivals.length === 0) setImmediate(fold);
          for (const event of decodeEvents(message)) arrivals.push({ event, atMs: now() });
        },
      );
      if (closed) await made.close();
      else subscription = made;
    } catch (error) {
      logger.warn({ err: error }, 'cannot listen to worker events, trying again');
      if (!closed) retry = setTimeout(begin, RETRY_MS);
    }
  };
  const begin = (): void => {
    starting = subscribe();
  };

  return {
    get state() {
      return state;
    },
    get listening() {
      return subscription !== undefined;
    },
    start: begin,
    onChange: (listener) => void listeners.push(listener),
    async close() {
      closed = true;
      clearTimeout(retry);
      await starting;
      await subscription?.close().catch((error: unknown) => logger.debug({ err: error }, 'event subscription not closed'));
    },
  };
}
