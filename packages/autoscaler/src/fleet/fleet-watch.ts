import { randomUUID } from 'node:crypto';
import {
  type Bus,
  type FleetEvent,
  type FleetState,
  forgetWorkers,
  type Logger,
  type Subscription,
  type WorkerView,
  workerAfter,
  workerOf,
} from '@celeriac/brokers';
import { decodeEvents } from '@celeriac/protocol';

/** Listens to worker events and keeps who is there. */
export interface FleetWatch {
  /** Everybody heard of. It is another object whenever somebody came or was forgotten; who is in it says the latest of himself. */
  readonly state: FleetState;
  /** Whether the subscription stands. */
  readonly listening: boolean;
  /** Begins; retries in the background until the broker is there. */
  start(): void;
  /** Calls back ten times a second at most with the node names of workers that came, went, or changed between idle and busy. */
  onChange(listener: (nodenames: ReadonlySet<string>) => void): void;
  close(): Promise<void>;
}

/** Workers gone longer than this are forgotten, ms. */
const RETENTION_MS = 600_000;
const FORGET_EVERY_MS = 30_000;
const RETRY_MS = 1_000;
const NEWS_AFTER_MS = 100;

/** Creates the watch; nothing is subscribed before `start`. What an event costs does not depend on how many workers there are. */
export function createFleetWatch(options: { readonly bus: Bus; readonly now: () => number; readonly logger: Logger }): FleetWatch {
  const { bus, now, logger } = options;
  const listeners: ((nodenames: ReadonlySet<string>) => void)[] = [];
  let state = new Map<string, WorkerView>();
  let newcomers = new Map<string, WorkerView>();
  let news = new Set<string>();
  let newsTimer: NodeJS.Timeout | undefined;
  let forgotAtMs = now();
  let subscription: Subscription | undefined;
  let retry: NodeJS.Timeout | undefined;
  let closed = false;
  let starting: Promise<void> = Promise.resolve();

  const tell = (): void => {
    newsTimer = undefined;
    const names = news;
    news = new Set();
    for (const listener of listeners) listener(names);
  };
  const admit = (): void => {
    if (newcomers.size === 0) return;
    state = new Map([...state, ...newcomers]);
    newcomers = new Map();
  };
  const forget = (nowMs: number): void => {
    if (nowMs - forgotAtMs < FORGET_EVERY_MS) return;
    forgotAtMs = nowMs;
    state = new Map(forgetWorkers(state, nowMs, RETENTION_MS));
  };
  const take = (event: FleetEvent, atMs: number): void => {
    const nodename = workerOf(event);
    if (nodename === null) return;
    const known = state.get(nodename);
    const before = known ?? newcomers.get(nodename);
    const after = workerAfter(before, nodename, event, atMs);
    if (known !== undefined) state.set(nodename, after);
    else if (newcomers.set(nodename, after).size === 1) setImmediate(admit);
    if (before !== undefined && !isNews(before, after)) return;
    news.add(nodename);
    if (!closed) newsTimer ??= setTimeout(tell, NEWS_AFTER_MS);
  };

  const subscribe = async (): Promise<void> => {
    try {
      const made = await bus.subscribe(
        { exchange: 'celeryev', type: 'topic', binding: 'worker.#', queue: `celeryev.${randomUUID()}` },
        ({ message }) => {
          const atMs = now();
          for (const event of decodeEvents(message)) take(event, atMs);
          forget(atMs);
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
      clearTimeout(newsTimer);
      await starting;
      await subscription?.close().catch((error: unknown) => logger.debug({ err: error }, 'event subscription not closed'));
    },
  };
}

/** Whether a pool may decide otherwise for it at once; the rest it sees at its next regular turn. */
function isNews(before: WorkerView, after: WorkerView): boolean {
  return before.firstSeenMs !== after.firstSeenMs || before.offlineSinceMs !== after.offlineSinceMs || isFree(before) !== isFree(after);
}

function isFree({ active, reserved }: WorkerView): boolean {
  return active === 0 && (reserved ?? 0) === 0;
}
