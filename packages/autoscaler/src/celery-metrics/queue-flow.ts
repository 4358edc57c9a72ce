/** What goes through the queues, by queue. */
export interface QueueFlow {
  /** Tasks that workers took in. */
  readonly received: ReadonlyMap<string, number>;
  /** Tasks that succeeded or failed. */
  readonly completed: ReadonlyMap<string, number>;
  /** Calls back with how long each task had waited when it started, seconds. */
  onWait(listener: (queue: string, waitS: number) => void): void;
}

/** A flow that is told of tasks. */
export interface CountedFlow extends QueueFlow {
  /** False for one more queue than is kept, as of the next. */
  add(what: 'received' | 'completed', queue: string): boolean;
  waited(queue: string, waitS: number): boolean;
}

const MOST_QUEUES = 2_000;

/** A flow with nothing in it. Queues that events name are counted up to a bound; a client may name any. */
export function createQueueFlow(): CountedFlow {
  const counts = { received: new Map<string, number>(), completed: new Map<string, number>() };
  const listeners: ((queue: string, waitS: number) => void)[] = [];
  const isKnown = (queue: string): boolean => {
    if (counts.received.has(queue)) return true;
    if (counts.received.size >= MOST_QUEUES) return false;
    counts.received.set(queue, 0);
    counts.completed.set(queue, 0);
    return true;
  };
  return {
    received: counts.received,
    completed: counts.completed,
    onWait: (listener) => void listeners.push(listener),
    add(what, queue) {
      if (!isKnown(queue)) return false;
      counts[what].set(queue, (counts[what].get(queue) ?? 0) + 1);
      return true;
    },
    waited(queue, waitS) {
      if (!isKnown(queue)) return false;
      for (const listener of listeners) listener(queue, waitS);
      return true;
    },
  };
}
