// How long a kubelet waits before it starts a crashed container again: pure.

export interface BackOff {
  /** 0 before the first crash. */
  readonly nextMs: number;
}

/** The first restart is immediate, the next after the base, then twice as long each time up to 30 bases; 60 bases of running forget it all. */
export function afterCrash(backOff: BackOff, baseMs: number, ranMs: number): { readonly waitMs: number; readonly next: BackOff } {
  const waitMs = ranMs >= 60 * baseMs ? 0 : backOff.nextMs;
  return { waitMs, next: { nextMs: waitMs === 0 ? baseMs : Math.min(2 * waitMs, 30 * baseMs) } };
}

/** A duration as Go writes it: `10s`, `1m20s`, `250ms`. */
export function goDuration(ms: number): string {
  if (ms < 1_000) return `${ms}ms`;
  const minutes = Math.floor(ms / 60_000);
  const seconds = `${(ms % 60_000) / 1_000}s`;
  return minutes === 0 ? seconds : `${minutes}m${seconds}`;
}
