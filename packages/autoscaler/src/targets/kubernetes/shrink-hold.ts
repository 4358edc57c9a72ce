import type { SlimDeployment, SlimPod, SlimReplicaSet } from '../../kubernetes/slim.ts';
import { isActive } from './pod-facts.ts';

/** A Deployment with all that belongs to it. */
export interface DeploymentObjects {
  readonly deployment: SlimDeployment;
  readonly replicaSets: readonly SlimReplicaSet[];
  readonly pods: readonly SlimPod[];
}

/** Why nobody can say which pods a change of `spec.replicas` would take, for people; null where that is clear. Pure. */
export function rolloutOf({ deployment, replicaSets, pods }: DeploymentObjects): string | null {
  if (deployment.deletionAtMs !== null) return 'the Deployment is being deleted';
  if (deployment.paused) return 'the Deployment is paused in a rollout (spec.paused)';
  const active = pods.filter(isActive);
  const live = replicaSets.filter(
    (set) => set.replicas > 0 || set.statusReplicas > 0 || active.some((pod) => pod.replicaSetUid === set.uid),
  );
  if (live.length > 1) return `a rollout is in progress: ${live.map((set) => set.name).join(' and ')} both have pods`;
  const [only] = live;
  if (only?.revision != null && deployment.revision !== null && only.revision !== deployment.revision) {
    return `a rollout is in progress: ${only.name} is revision ${only.revision}, the Deployment is at ${deployment.revision}`;
  }
  return null;
}

/**
 * Why no pod in which something may run can be taken out safely now, for people; null for no reason. Pods that are not up go before any
 * that is, whatever they do. Pure.
 * @param empty names of pods in which nothing runs, and which are taken out with or before any other
 */
export function shrinkHold(objects: DeploymentObjects, empty: ReadonlySet<string>): string | null {
  const { deployment, pods } = objects;
  const rollout = rolloutOf(objects);
  if (rollout !== null) return rollout;
  if (deployment.observedGeneration < deployment.generation) return 'the Deployment controller has not yet acted on the last change';
  const first = pods.find((pod) => isActive(pod) && !empty.has(pod.name) && (pod.phase !== 'Running' || !pod.ready));
  return first === undefined ? null : `pod ${first.name} is not ready and would be taken before any other`;
}
