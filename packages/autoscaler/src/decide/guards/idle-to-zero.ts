import type { Guard } from './guard.ts';

/** How many decisions in a row must have seen no work before the last replica goes. */
const ZERO_READINGS = 2;

/**
 * The last replica goes only after the pool has been without any work for `idleToZeroMs`, seen to be so more than once. One that is there only
 * because a Deployment begins with one does not wait.
 */
export const idleToZero: Guard = (to, { facts }) => {
  if (to > 0 || facts.current === 0) return null;
  const untilMs = facts.busyAtMs + facts.spec.idleToZeroMs;
  if ((facts.unused || facts.nowMs >= untilMs) && facts.zeroReadings >= ZERO_READINGS) return null;
  const idleS = Math.floor((facts.nowMs - facts.busyAtMs) / 1_000);
  return {
    to: 1,
    reason: 'idle-to-zero',
    text: `idle for ${idleS} s of the ${facts.spec.idleToZeroMs / 1_000} s before zero`,
    untilMs: Math.max(untilMs, facts.nowMs + 1),
  };
};
