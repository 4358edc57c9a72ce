interface Due {
  readonly atMs: number;
  readonly database: number;
  readonly key: string;
}

/**
 * When keys are due, earliest first. An entry is a hint: the key may be gone or have another time by then, so whoever
 * takes it looks again. Compacted by its owner when stale hints outnumber live ones.
 */
export class ExpiryQueue {
  #heap: Due[] = [];

  get size(): number {
    return this.#heap.length;
  }

  get nextMs(): number | undefined {
    return this.#heap[0]?.atMs;
  }

  add(atMs: number, database: number, key: string): void {
    const heap = this.#heap;
    const added: Due = { atMs, database, key };
    let at = heap.length;
    heap.push(added);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (heap[parent]!.atMs <= atMs) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = added;
  }

  /** Takes the earliest hint if it is due. */
  takeDue(nowMs: number): Due | undefined {
    const first = this.#heap[0];
    if (!first || first.atMs > nowMs) return undefined;
    const last = this.#heap.pop()!;
    if (this.#heap.length > 0) this.#sinkFromTop(last);
    return first;
  }

  clear(): void {
    this.#heap = [];
  }

  #sinkFromTop(item: Due): void {
    const heap = this.#heap;
    let at = 0;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && heap[child + 1]!.atMs < heap[child]!.atMs) child += 1;
      if (heap[child]!.atMs >= item.atMs) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = item;
  }
}
