/**
 * What is wrong with a Deployment's grace period, for people; null for nothing. A scale-in takes idle workers only, but evictions and
 * rollouts do not ask: a worker needs the time of its longest task, and up to 32 s to exit after SIGTERM with nothing left to do
 * (billiard's children wait 30 s for their results to be read). Kubernetes kills at 30 s by default. Pure.
 * @param graceSeconds `terminationGracePeriodSeconds`; null for the default of 30
 * @param minimumMs what it should be at least, ms
 */
export function graceFault(graceSeconds: number | null, minimumMs: number): string | null {
  const grace = graceSeconds ?? 30;
  const needed = Math.ceil(minimumMs / 1_000);
  if (grace >= needed) return null;
  const advice = `give it ${needed} at least (the time of the longest task and 35 s for the worker's exit)`;
  return `terminationGracePeriodSeconds is ${grace}: a worker that is evicted or replaced may be killed in a task; ${advice}`;
}
