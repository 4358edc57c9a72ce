/** Undoes what was planned; nothing happens where it has begun. */
export type Cancel = () => void;

/** A simulated clock: time jumps from one planned moment to the next. */
export interface Clock {
  /** Simulated ms. */
  readonly nowMs: number;
  /** Plans a call; those of one moment come in the order in which they were planned. A moment in the past is now. */
  at(atMs: number, run: () => void): Cancel;
  /** Jumps to the next planned moment and makes its first call; false where nothing is planned. */
  next(): boolean;
}

interface Planned {
  readonly atMs: number;
  readonly order: number;
  run: (() => void) | null;
}

export function createClock(): Clock {
  const heap: Planned[] = [];
  let nowMs = 0;
  let order = 0;
  return {
    get nowMs() {
      return nowMs;
    },
    at(atMs, run) {
      const planned: Planned = { atMs: Math.max(atMs, nowMs), order, run };
      order += 1;
      rise(heap, planned);
      return () => {
        planned.run = null;
      };
    },
    next() {
      for (let first = take(heap); first !== undefined; first = take(heap)) {
        if (first.run === null) continue;
        nowMs = first.atMs;
        first.run();
        return true;
      }
      return false;
    },
  };
}

function before(a: Planned, b: Planned): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

function rise(heap: Planned[], planned: Planned): void {
  let index = heap.length;
  heap.push(planned);
  while (index > 0) {
    const up = (index - 1) >> 1;
    const parent = heap[up] as Planned;
    if (before(parent, planned)) break;
    heap[index] = parent;
    index = up;
  }
  heap[index] = planned;
}

function take(heap: Planned[]): Planned | undefined {
  const first = heap[0];
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return first;
  let index = 0;
  for (;;) {
    let child = index * 2 + 1;
    if (child >= heap.length) break;
    const right = heap[child + 1];
    if (right !== undefined && before(right, heap[child] as Planned)) child += 1;
    const least = heap[child] as Planned;
    if (before(last, least)) break;
    heap[index] = least;
    index = child;
  }
  heap[index] = last;
  return first;
}
