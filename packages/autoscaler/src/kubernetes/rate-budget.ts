/** Who goes first: `urgent` is what a decision waits for (scale, lease), `background` everything else. */
export type Priority = 'urgent' | 'background';

/** A client's budget of requests. Times are ms of any clock that does not jump. */
export interface RateBudget {
  readonly perSecond: number;
  readonly burst: number;
  /** Requests that may leave at once, a fraction included, as of `atMs`. Below zero: granted ahead of time. */
  readonly tokens: number;
  readonly atMs: number;
  /** Nothing leaves before this. */
  readonly pausedUntilMs: number;
}

/** Kept for urgent requests: background ones never take the last of the burst. */
const RESERVED_SHARE = 0.2;

/** A full budget. client-go's and KEDA's numbers are the default: 20 a second, 30 at once. */
export function rateBudget(nowMs: number, perSecond = 20, burst = 30): RateBudget {
  return { perSecond, burst, tokens: burst, atMs: nowMs, pausedUntilMs: Number.NEGATIVE_INFINITY };
}

/** Takes one request out of the budget, or says how long to wait before asking again, ms. */
export function takeRequest(
  budget: RateBudget,
  priority: Priority,
  nowMs: number,
): { readonly budget: RateBudget; readonly waitMs: number } {
  const filled = refilled(budget, nowMs);
  if (nowMs < filled.pausedUntilMs) return { budget: filled, waitMs: filled.pausedUntilMs - nowMs };
  const floor = priority === 'urgent' ? 0 : Math.min(filled.burst * RESERVED_SHARE, filled.burst - 1);
  const missing = floor + 1 - filled.tokens;
  // adding up fractions leaves 0.9999...
  if (missing > 1e-6) return { budget: filled, waitMs: (missing / filled.perSecond) * 1_000 };
  return { budget: { ...filled, tokens: filled.tokens - 1 }, waitMs: 0 };
}

/** Nothing leaves for so long: the server asked for it. A longer pause is never shortened. */
export function pauseRequests(budget: RateBudget, forMs: number, nowMs: number): RateBudget {
  return { ...budget, pausedUntilMs: Math.max(budget.pausedUntilMs, nowMs + forMs) };
}

function refilled(budget: RateBudget, nowMs: number): RateBudget {
  const earned = (Math.max(0, nowMs - budget.atMs) / 1_000) * budget.perSecond;
  return { ...budget, tokens: Math.min(budget.burst, budget.tokens + earned), atMs: Math.max(budget.atMs, nowMs) };
}
