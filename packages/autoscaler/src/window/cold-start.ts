/** How long a pool's replicas take from being asked for to being heard of. Plain data. */
export interface ColdStart {
  /** Exponentially weighted, ms. */
  readonly meanMs: number;
  /** Exponentially weighted mean deviation, ms. */
  readonly deviationMs: number;
  /** How many were seen. */
  readonly count: number;
}

/** Nothing learnt. */
export const noColdStart: ColdStart = { meanMs: 0, deviationMs: 0, count: 0 };

const WEIGHT = 0.25;

/** What was learnt after one more replica came up in `tookMs`. */
export function learnColdStart(learnt: ColdStart, tookMs: number): ColdStart {
  if (learnt.count === 0) return { meanMs: tookMs, deviationMs: tookMs / 4, count: 1 };
  const error = tookMs - learnt.meanMs;
  return {
    meanMs: learnt.meanMs + WEIGHT * error,
    deviationMs: learnt.deviationMs + WEIGHT * (Math.abs(error) - learnt.deviationMs),
    count: learnt.count + 1,
  };
}

/** How long to allow for a replica to come up, in ms: mean and two deviations; `expectedMs` until one was seen. */
export function allowedColdStartMs(learnt: ColdStart, expectedMs: number): number {
  return learnt.count === 0 ? expectedMs : learnt.meanMs + 2 * learnt.deviationMs;
}
