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

/** Age of the oldest of these, ms; of what is missing, for how long it has been. Null for none. */
export function oldestAgeMs(nowMs: number, samples: readonly Sample<unknown>[]): number | null {
  if (samples.length === 0) return null;
  return samples.reduce((age, sample) => Math.max(age, nowMs - (sample.kind === 'reading' ? sample.atMs : sample.sinceMs)), 0);
}

/** The value of a reading, or `otherwise`. */
export function valueOr<T, U>(sample: Sample<T>, otherwise: U): T | U {
  return sample.kind === 'reading' ? sample.value : otherwise;
}
