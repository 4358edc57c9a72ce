/**
 * One timed reading, or the statement that it was unavailable and why. Unavailable is never zero: what is not known can only hold a
 * decision, never lower it.
 */
export type Sample<T = number> =
  | {
      readonly kind: 'reading';
      readonly value: T;
      /** Epoch ms. */
      readonly atMs: number;
    }
  | {
      readonly kind: 'unavailable';
      readonly reason: string;
      /** Since when there has been no reading, epoch ms. */
      readonly sinceMs: number;
    };

/** A reading. */
export function reading<T>(value: T, atMs: number): Sample<T> {
  return { kind: 'reading', value, atMs };
}

/** The statement that there is none. */
export function unavailable(reason: string, sinceMs: number): Sample<never> {
  return { kind: 'unavailable', reason, sinceMs };
}

/** The value of a reading, or `otherwise`. */
export function valueOr<T, U>(sample: Sample<T>, otherwise: U): T | U {
  return sample.kind === 'reading' ? sample.value : otherwise;
}
