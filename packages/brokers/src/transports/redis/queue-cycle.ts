import type { QueueDeclaration } from '../transport.ts';

/** Queues in the order in which they are served next. Source: kombu/utils/scheduling.py. */
export interface QueueCycle {
  readonly queues: readonly QueueDeclaration[];
  readonly size: number;
  has(name: string): boolean;
  add(queue: QueueDeclaration): void;
  remove(name: string): void;
  /** Names, the next to be served first. */
  order(): readonly string[];
  /** Moves one that was served to the end. */
  served(name: string): void;
}

export function createQueueCycle(strategy: 'round_robin' | 'sorted' | 'priority'): QueueCycle {
  const queues = new Map<string, QueueDeclaration>();
  return {
    get queues() {
      return [...queues.values()];
    },
    get size() {
      return queues.size;
    },
    has: (name) => queues.has(name),
    add: (queue) => void queues.set(queue.name, queue),
    remove: (name) => void queues.delete(name),
    order: () => (strategy === 'sorted' ? [...queues.keys()].sort() : [...queues.keys()]),
    served(name) {
      const queue = queues.get(name);
      if (strategy !== 'round_robin' || queues.size < 2 || queue === undefined) return;
      queues.delete(name);
      queues.set(name, queue);
    },
  };
}
