import type { ReplicaSeen } from './seen.ts';

/** Whether a replica is known to hold nothing: silence, and numbers it does not state, count as busy. */
export function isIdle(replica: ReplicaSeen): boolean {
  return [replica.active, replica.reserved, replica.scheduled].every((sample) => sample.kind === 'reading' && sample.value === 0);
}

/** Whether a replica is known to hold something, or nothing has been heard of it: asking for what it reserved could not make it idle. */
export function isBusy(replica: ReplicaSeen): boolean {
  if (replica.active.kind === 'unavailable') return true;
  return [replica.active, replica.reserved, replica.scheduled].some((sample) => sample.kind === 'reading' && sample.value > 0);
}

/**
 * Whether all that is known of a replica is older than `sinceMs`, or its very first word: it may have taken a task since, which its next
 * heartbeat will show.
 */
export function isUnproven(replica: ReplicaSeen, sinceMs: number): boolean {
  return replica.active.kind === 'reading' && replica.active.atMs <= Math.max(sinceMs, replica.onlineAtMs ?? 0);
}

/** Whether it reports that nothing runs, but not whether it holds tasks that have not begun: Python workers, until they are asked. */
export function mustBeAsked(replica: ReplicaSeen): boolean {
  return !isBusy(replica) && !isIdle(replica);
}
