/** Growing waits between attempts that failed. */
export interface BackoffSpec {
  readonly firstMs: number;
  readonly mostMs: number;
}

/** How long to wait after so many failures in a row (1: the first), ms: doubling, each wait drawn from the upper half of its range. */
export function backoffMs(failures: number, spec: BackoffSpec, random: number): number {
  const ceilingMs = Math.min(spec.mostMs, spec.firstMs * 2 ** Math.min(30, Math.max(0, failures - 1)));
  return ceilingMs / 2 + (ceilingMs / 2) * random;
}
