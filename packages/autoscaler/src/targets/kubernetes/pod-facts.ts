import type { SlimPod } from '../../kubernetes/slim.ts';

/** Annotation by which a ReplicaSet orders its pods for deletion, lowest first. */
export const DELETION_COST = 'controller.kubernetes.io/pod-deletion-cost';

/** On pods marked by us: the deletion cost that stood there before, empty for none. */
export const COST_BEFORE = 'celeriac.dev/deletion-cost-before';

/** Whether it carries a mark of ours, or of whoever held the lease before us. */
export function isMarked(pod: SlimPod): boolean {
  return pod.annotations[COST_BEFORE] !== undefined;
}

/** Whether its ReplicaSet counts it: not told to go, and not ended (pkg/controller/controller_utils.go, IsPodActive). */
export function isActive(pod: SlimPod): boolean {
  return pod.deletionAtMs === null && pod.phase !== 'Succeeded' && pod.phase !== 'Failed';
}

/** Whether nothing of the user's runs in it, so that no task can: it has no node yet, or all its containers wait or have ended. */
export function runsNothing(pod: SlimPod): boolean {
  if (pod.nodeName === null) return true;
  const containers = pod.containers.filter((container) => !container.init);
  return containers.length > 0 && containers.every((one) => one.waitingReason !== null || one.terminatedExitCode !== null);
}

/** Restarts of its containers together: a new number is a new life of what runs in it. */
export function restartsOf(pod: SlimPod): number {
  return pod.containers.reduce((sum, container) => sum + (container.init ? 0 : container.restarts), 0);
}

/** Its deletion cost as the ReplicaSet controller reads it: what is no proper number counts as 0 (pkg/apis/core/helper/helpers.go). */
export function deletionCostOf(pod: SlimPod): number {
  const written = pod.annotations[DELETION_COST];
  if (written === undefined || !/^(0|-\d+|[1-9]\d*)$/.test(written)) return 0;
  const cost = Number(written);
  return cost < -(2 ** 31) || cost > 2 ** 31 - 1 ? 0 : cost;
}
