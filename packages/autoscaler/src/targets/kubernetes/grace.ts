/**
 * A Celery worker may need 32 s to exit after SIGTERM with nothing left to do (billiard waits 30 s for its results to be read), and
 * Kubernetes kills at 30 s by default.
 */
export const EXIT_SECONDS = 35;

/**
 * What is wrong with a Deployment's grace period, for people; null for nothing. A scale-in takes idle workers only, but evictions and
 * rollouts do not ask. Pure.
 * @param graceSeconds `terminationGracePeriodSeconds`; null for the default of 30
 * @param taskMs how long a task is known to take, ms
 */
export function graceFault(graceSeconds: number | null, taskMs: number): string | null {
  const grace = graceSeconds ?? 30;
  const needed = Math.ceil(taskMs / 1_000) + EXIT_SECONDS;
  if (grace >= needed) return null;
  const why = `the time of the longest task and ${EXIT_SECONDS} s for the worker's exit`;
  return `terminationGracePeriodSeconds is ${grace}: an evicted or replaced worker may be killed in a task; give it ${needed} at least (${why})`;
}
