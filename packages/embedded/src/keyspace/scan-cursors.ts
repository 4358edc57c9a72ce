interface OpenScan {
  readonly source: object;
  readonly rest: Iterator<unknown>;
  /** How many more elements to visit: what was there at the start lies within that many. */
  remaining: number;
}

const MOST_OPEN = 1_024;

/**
 * Cursors of SCAN, HSCAN, SSCAN and ZSCAN: each holds a live iterator, so that a page costs what the page is, and an
 * element that is there all the time is seen. A cursor nobody came back for is forgotten; one that is not known starts
 * over, which may show elements twice but loses none.
 */
export class ScanCursors {
  readonly #open = new Map<string, OpenScan>();
  #last = 0;

  /** The next page of about `count` elements and the cursor to go on with ('0' at the end). */
  page<T>(
    source: object & { readonly size: number },
    elements: () => Iterator<T>,
    cursor: string,
    count: number,
  ): { cursor: string; items: T[] } {
    const known = this.#open.get(cursor);
    this.#open.delete(cursor);
    const scan = known?.source === source ? known : { source, rest: elements(), remaining: source.size };
    const items: T[] = [];
    const rest = scan.rest as Iterator<T>;
    while (items.length < count && scan.remaining > 0) {
      const next = rest.next();
      if (next.done) return { cursor: '0', items };
      items.push(next.value);
      scan.remaining -= 1;
    }
    if (scan.remaining <= 0) return { cursor: '0', items };
    return { cursor: this.#keep(scan), items };
  }

  #keep(scan: OpenScan): string {
    if (this.#open.size >= MOST_OPEN) this.#open.delete(this.#open.keys().next().value!);
    this.#last += 1;
    const cursor = String(this.#last);
    this.#open.set(cursor, scan);
    return cursor;
  }
}
