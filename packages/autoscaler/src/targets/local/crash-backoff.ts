import type { GrowthSeen } from '../../decide/seen.ts';

/** Crashes in a row and when to try again. Plain data. */
export interface CrashBackoff {
  readonly failures: number;
  readonly reason: string;
  /** Nothing is started before, epoch ms. */
  readonly untilMs: number;
}

/** No crash. */
export const noCrashes: CrashBackoff = { failures: 0, reason: '', untilMs: 0 };

const FIRST_MS = 1_000;
const LONGEST_MS = 60_000;

/** After one more replica ended that nobody had asked to. One that had worked may be replaced at once, the first time. */
export function afterCrash(backoff: CrashBackoff, reason: string, nowMs: number, hadWorked: boolean): CrashBackoff {
  const failures = hadWorked ? 1 : backoff.failures + 1;
  const waitMs = hadWorked ? 0 : Math.min(LONGEST_MS, FIRST_MS * 2 ** (failures - 1));
  return { failures, reason, untilMs: nowMs + waitMs };
}

/** What may be started: nothing while backing off, then one to try with, and freely once one came up. */
export function growthAllowed(backoff: CrashBackoff, nowMs: number): GrowthSeen {
  if (backoff.failures === 0) return { kind: 'open' };
  const times = backoff.failures === 1 ? 'once' : `${backoff.failures} times in a row`;
  if (nowMs < backoff.untilMs) {
    const reason = `replicas ended ${times}, the last: ${backoff.reason}; next try in ${Math.ceil((backoff.untilMs - nowMs) / 1_000)} s`;
    return { kind: 'limited', pending: 0, reason, untilMs: backoff.untilMs };
  }
  return { kind: 'limited', pending: 1, reason: `replicas ended ${times}, the last: ${backoff.reason}; trying one`, untilMs: null };
}
