import type { KubeFailure } from './failure.ts';

/** Longest wait before a repetition, ms. */
const MOST_MS = 10_000;
const FIRST_MS = 250;
/** A server that asks for more is taken at its word only this far: an hour would be a mistake or a trap. */
const MOST_RETRY_AFTER_MS = 60_000;

/** What is done about a failed attempt. */
export type RetryVerdict =
  | {
      readonly kind: 'retry';
      readonly afterMs: number /** Until when no request at all should leave, ms from now. */;
      readonly pauseAllMs: number;
    }
  | { readonly kind: 'give-up' };

const giveUp: RetryVerdict = { kind: 'give-up' };

/**
 * Whether a call is repeated as it stands, and when. Repeated: 429 and 503 (the server did not take it up), and for reads every other 5xx,
 * timeouts and lost connections as well. A write whose outcome is unknown is never repeated here: whoever asked for it reads first. Nor
 * is a 409, which says that what the write was based on is no longer so.
 *
 * `attempt` counts from 1; `random` is in [0, 1).
 */
export function retryVerdict(
  attempt: number,
  failure: KubeFailure,
  options: { readonly attempts: number; readonly random: number },
): RetryVerdict {
  // a token that had been rotated: whoever sends has forgotten the old one, and a second refusal is meant
  const stale = (failure.status === 401 || failure.reason === 'Tls') && attempt === 1;
  if (attempt >= options.attempts || failure.outcomeUnknown || !(stale || isTransient(failure))) return giveUp;
  const ceilingMs = Math.min(MOST_MS, FIRST_MS * 2 ** (attempt - 1));
  const waitMs = ceilingMs / 2 + (ceilingMs / 2) * options.random;
  const askedMs = pauseAsked(failure);
  return { kind: 'retry', afterMs: askedMs === 0 ? waitMs : askedMs + waitMs / 4, pauseAllMs: askedMs };
}

/** How long the server asked everybody to stay away after this failure, ms; 0 when it did not. */
export function pauseAsked(failure: KubeFailure): number {
  const overloaded = failure.status === 429 || failure.status === 503;
  return overloaded ? Math.min(failure.retryAfterMs ?? 0, MOST_RETRY_AFTER_MS) : 0;
}

/** Retry-After as seconds or as a date (RFC 9110, 10.2.3), in ms from now; null when there is none or it cannot be read. */
export function retryAfterMs(header: string | undefined, nowMs: number): number | null {
  if (header === undefined) return null;
  const text = header.trim();
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1_000;
  const atMs = Date.parse(text);
  return Number.isNaN(atMs) ? null : Math.max(0, atMs - nowMs);
}

/**
 * An answer that may come after a write has been carried out: the server ran out of time or lost its store while it waited. 503 and 429
 * are sent before anything is done.
 */
export function leavesWriteOpen(status: number): boolean {
  return status >= 500 && status !== 501 && status !== 503;
}

function isTransient({ status, reason }: KubeFailure): boolean {
  if (status === null) return reason === 'Timeout' || reason === 'ConnectionLost';
  return status === 429 || status >= 500;
}
