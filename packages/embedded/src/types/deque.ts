const SMALLEST = 8;

/** A list with both ends cheap: a ring that doubles when full and halves when three quarters are empty. */
export class Deque {
  #ring: (string | undefined)[] = new Array<string | undefined>(SMALLEST);
  #head = 0;
  #size = 0;
  /** Payload in bytes, without the ring itself. */
  bytes = 0;

  get size(): number {
    return this.#size;
  }

  pushLeft(value: string): void {
    this.#makeRoom();
    this.#head = (this.#head - 1) & (this.#ring.length - 1);
    this.#ring[this.#head] = value;
    this.#size += 1;
    this.bytes += value.length;
  }

  pushRight(value: string): void {
    this.#makeRoom();
    this.#ring[(this.#head + this.#size) & (this.#ring.length - 1)] = value;
    this.#size += 1;
    this.bytes += value.length;
  }

  popLeft(): string | undefined {
    if (this.#size === 0) return undefined;
    const value = this.#ring[this.#head]!;
    this.#ring[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#ring.length - 1);
    return this.#taken(value);
  }

  popRight(): string | undefined {
    if (this.#size === 0) return undefined;
    const slot = (this.#head + this.#size - 1) & (this.#ring.length - 1);
    const value = this.#ring[slot]!;
    this.#ring[slot] = undefined;
    return this.#taken(value);
  }

  /** The element at an index from the left; negative indexes count from the right. */
  at(index: number): string | undefined {
    const place = index < 0 ? this.#size + index : index;
    return place < 0 || place >= this.#size ? undefined : this.#ring[this.#slot(place)];
  }

  set(index: number, value: string): void {
    const slot = this.#slot(index < 0 ? this.#size + index : index);
    this.bytes += value.length - this.#ring[slot]!.length;
    this.#ring[slot] = value;
  }

  /** Elements from `start` to before `end`, both already inside the list. */
  slice(start: number, end: number): string[] {
    const out = new Array<string>(Math.max(end - start, 0));
    for (let place = start; place < end; place += 1) out[place - start] = this.#ring[this.#slot(place)]!;
    return out;
  }

  /** Removes up to `limit` elements equal to `value`, from the left or from the right; answers how many. */
  remove(value: string, limit: number, fromRight: boolean): number {
    const all = this.slice(0, this.#size);
    if (fromRight) all.reverse();
    let removed = 0;
    const kept = all.filter((item) => {
      if (removed >= limit || item !== value) return true;
      removed += 1;
      return false;
    });
    if (removed > 0) this.#replace(fromRight ? kept.reverse() : kept);
    return removed;
  }

  insert(index: number, value: string): void {
    const all = this.slice(0, this.#size);
    all.splice(index, 0, value);
    this.#replace(all);
  }

  indexOf(value: string): number {
    for (let place = 0; place < this.#size; place += 1) if (this.#ring[this.#slot(place)] === value) return place;
    return -1;
  }

  #replace(items: readonly string[]): void {
    let capacity = SMALLEST;
    while (capacity < items.length) capacity *= 2;
    this.#ring = new Array<string | undefined>(capacity);
    this.#head = 0;
    this.#size = 0;
    this.bytes = 0;
    for (const item of items) this.pushRight(item);
  }

  #slot(place: number): number {
    return (this.#head + place) & (this.#ring.length - 1);
  }

  #taken(value: string): string {
    this.#size -= 1;
    this.bytes -= value.length;
    if (this.#ring.length > SMALLEST && this.#size < this.#ring.length / 4) this.#resize(this.#ring.length / 2);
    return value;
  }

  #makeRoom(): void {
    if (this.#size === this.#ring.length) this.#resize(this.#ring.length * 2);
  }

  #resize(capacity: number): void {
    const next = new Array<string | undefined>(capacity);
    for (let place = 0; place < this.#size; place += 1) next[place] = this.#ring[this.#slot(place)];
    this.#ring = next;
    this.#head = 0;
  }
}
