/** A histogram of one series. */
export interface Buckets {
  /** How many values were at most the bound, each counted in its first bucket only; the last is beyond all bounds. */
  readonly counts: number[];
  sum: number;
}

export function emptyBuckets(bounds: readonly number[]): Buckets {
  return { counts: new Array<number>(bounds.length + 1).fill(0), sum: 0 };
}

export function observe(buckets: Buckets, bounds: readonly number[], value: number): void {
  let at = 0;
  while (at < bounds.length && value > (bounds[at] as number)) at += 1;
  buckets.counts[at] = (buckets.counts[at] as number) + 1;
  buckets.sum += value;
}
