import type { SlimDeployment, SlimPod, SlimReplicaSet } from '../../kubernetes/slim.ts';
import { isActive, runsNothing } from './pod-facts.ts';

/**
 * Why no pod can be taken out safely now, for people; null for no reason. During a rollout nobody can say which pods a shrink would
 * take, and pods that are not ready go before any that is, whatever they do. Pods in which nothing runs are no hindrance: they are
 * taken first. Pure.
 */
export function shrinkHold(deployment: SlimDeployment, replicaSets: readonly SlimReplicaSet[], pods: readonly SlimPod[]): string | null {
  if (deployment.deletionAtMs !== null) return 'the Deployment is being deleted';
  if (deployment.paused) return 'the Deployment is paused in a rollout (spec.paused)';
  if (deployment.observedGeneration < deployment.generation) return 'the Deployment controller has not yet acted on the last change';
  const active = pods.filter(isActive);
  const live = replicaSets.filter(
    (set) => set.replicas > 0 || set.statusReplicas > 0 || active.some((pod) => pod.replicaSetUid === set.uid),
  );
  if (live.length > 1) return `a rollout is in progress: ${live.map((set) => set.name).join(' and ')} both have pods`;
  const [only] = live;
  if (only?.revision != null && deployment.revision !== null && only.revision !== deployment.revision) {
    return `a rollout is in progress: ${only.name} is revision ${only.revision}, the Deployment is at ${deployment.revision}`;
  }
  const first = active.find((pod) => !runsNothing(pod) && (pod.phase !== 'Running' || !pod.ready));
  return first === undefined ? null : `pod ${first.name} is not ready and would be taken before any other`;
}
