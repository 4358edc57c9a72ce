/** Hands out the lowest of its items, one after the other. */
export interface LowestFirst<T> {
  push(item: T): void;
  pop(): T | undefined;
}

/** A binary heap. `before` must be a total order for the sequence to be determined. */
export function lowestFirst<T>(before: (one: T, other: T) => boolean): LowestFirst<T> {
  const items: T[] = [];
  const isBefore = (one: number, other: number): boolean => before(items[one] as T, items[other] as T);
  const swap = (one: number, other: number): void => {
    [items[one], items[other]] = [items[other] as T, items[one] as T];
  };
  const least = (parent: number): number => {
    let found = parent;
    for (const child of [2 * parent + 1, 2 * parent + 2]) if (child < items.length && isBefore(child, found)) found = child;
    return found;
  };
  return {
    push(item) {
      items.push(item);
      for (let at = items.length - 1; at > 0; ) {
        const parent = (at - 1) >> 1;
        if (!isBefore(at, parent)) return;
        swap(at, parent);
        at = parent;
      }
    },
    pop() {
      if (items.length === 0) return undefined;
      swap(0, items.length - 1);
      const lowest = items.pop();
      for (let at = 0; ; ) {
        const next = least(at);
        if (next === at) return lowest;
        swap(at, next);
        at = next;
      }
    },
  };
}
