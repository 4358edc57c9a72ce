import type { SlimPod } from '../../kubernetes/slim.ts';

/** Why a pod whose worker held tasks was ended by force. */
export type KillCause = 'scale-in' | 'eviction' | 'oom' | 'rollout' | 'deletion' | 'crash';

/** A pod that ended while tasks ran in it, and was not let finish them. */
export interface Killed {
  readonly pod: string;
  /** Tasks that ran when it was last heard of. */
  readonly tasks: number;
  readonly cause: KillCause;
}

/** SIGKILL as an exit code. */
const SIGKILL = 137;

/**
 * What the end of a pod cost: null where nothing ran in it when it was last heard of, or where it ended by itself. Pure.
 * @param pod its last state
 * @param goneAtMs when it was gone, epoch ms; null where it is still there, and what ran in it was ended
 * @param tasks tasks that ran in it when it was last heard of
 * @param removed whether a scale-in of ours took it
 * @param rollout whether its ReplicaSet was being replaced
 */
export function killedBy(
  pod: SlimPod,
  goneAtMs: number | null,
  tasks: number,
  { removed, rollout }: { readonly removed: boolean; readonly rollout: boolean },
): Killed | null {
  if (tasks === 0) return null;
  const containers = pod.containers.filter((container) => !container.init);
  const oom = containers.some((one) => [one.terminatedReason, one.lastTerminatedReason].includes('OOMKilled'));
  // What was restarted in place already tells its end as the last one.
  const codes = containers.flatMap((one) => one.terminatedExitCode ?? (goneAtMs === null ? one.lastExitCode : null) ?? []);
  const killed = codes.includes(SIGKILL);
  // A kubelet deletes a pod for good when its containers have ended; at the deadline it has killed them.
  const atDeadline = codes.length === 0 && goneAtMs !== null && pod.deletionAtMs !== null && goneAtMs >= pod.deletionAtMs;
  if (!killed && !atDeadline) return null;
  const cause = oom ? 'oom' : removed ? 'scale-in' : pod.reason === 'Evicted' ? 'eviction' : rollout ? 'rollout' : null;
  return { pod: pod.name, tasks, cause: cause ?? (pod.deletionAtMs === null ? 'crash' : 'deletion') };
}
