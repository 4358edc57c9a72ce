import {
  type Bus,
  type FleetEvent,
  type FleetState,
  forgetWorkers,
  type Logger,
  type WorkerView,
  workerAfter,
  workerOf,
} from '@celeriac/brokers';
import { decodeEvents } from '@celeriac/protocol';
import { createEventSubscription } from './event-subscription.ts';

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
  let closed = false;

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

  const subscription = createEventSubscription({
    ...{ bus, logger, binding: 'worker.#' },
    onMessage({ message }) {
      const atMs = now();
      for (const event of decodeEvents(message)) take(event, atMs);
      forget(atMs);
    },
  });

  return {
    get state() {
      return state;
    },
    get listening() {
      return subscription.listening;
    },
    start: () => subscription.start(),
    onChange: (listener) => void listeners.push(listener),
    close() {
      closed = true;
      clearTimeout(newsTimer);
      return subscription.close();
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
