/** One task of a simulation. */
export interface SimulatedTask {
  readonly arrivedMs: number;
  readonly serviceMs: number;
  /** Index of its queue. */
  readonly queue: number;
  /** When its latest run began; NaN before the first. */
  begunMs: number;
}

/** A queue that also takes back at its front what was handed out, as brokers do with messages given back. */
export interface TaskQueue {
  readonly name: string;
  readonly length: number;
  push(task: SimulatedTask): void;
  giveBack(task: SimulatedTask): void;
  take(): SimulatedTask | undefined;
}

const COMPACT_AT = 1_024;

export function createTaskQueue(name: string): TaskQueue {
  let items: SimulatedTask[] = [];
  let head = 0;
  return {
    name,
    get length() {
      return items.length - head;
    },
    push: (task) => void items.push(task),
    giveBack(task) {
      if (head === 0) items.unshift(task);
      else {
        head -= 1;
        items[head] = task;
      }
    },
    take() {
      const task = items[head];
      if (task === undefined) return undefined;
      head += 1;
      if (head > COMPACT_AT && head * 2 > items.length) {
        items = items.slice(head);
        head = 0;
      }
      return task;
    },
  };
}
