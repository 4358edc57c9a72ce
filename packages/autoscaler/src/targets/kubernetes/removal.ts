import type { SlimPod } from '../../kubernetes/slim.ts';
import type { TargetReplica } from '../target.ts';
import { isActive } from './pod-facts.ts';
import { type DeploymentObjects, rolloutOf, shrinkHold } from './shrink-hold.ts';
import { victimsOf } from './victims-of.ts';

/** What a shrink by named replicas comes to. */
export type Removal =
  | {
      readonly kind: 'write';
      readonly to: number;
      /** Pods named that will go. */
      readonly pods: readonly SlimPod[];
    }
  | { readonly kind: 'nothing' }
  | { readonly kind: 'refused'; readonly why: string };

/**
 * The number to write so that exactly the named replicas go, as the ReplicaSet controller will choose. Refused where it might take a pod
 * that was not named and in which something may run. Pure.
 * @param wanted pods the Deployment wants now
 * @param replicas its replicas as they are seen now; those not made yet stand for themselves
 */
export function removalOf(ids: readonly string[], wanted: number, replicas: readonly TargetReplica[], objects: DeploymentObjects): Removal {
  const byName = new Map(objects.pods.filter(isActive).map((pod) => [pod.name, pod]));
  const named = ids.flatMap((id) => byName.get(id) ?? []);
  const unmade = replicas.filter((replica) => replica.host === null && ids.includes(replica.id)).length;
  if (named.length + unmade === 0) return { kind: 'nothing' };
  const empty = new Set(replicas.filter((replica) => replica.empty).map((replica) => replica.id));
  const running = named.filter((pod) => !empty.has(pod.name));
  const why = running.length > 0 ? shrinkHold(objects, empty) : rolloutOf(objects);
  if (why !== null) return { kind: 'refused', why };
  const to = wanted - named.length - unmade;
  if (to < 0) return { kind: 'refused', why: `${named.length + unmade} are more than the ${wanted} wanted` };

  const victims = victimsOf([...byName.values()], Math.max(0, byName.size - to));
  const certain = victims.kind === 'certain' ? victims.pods : victims.certain;
  const possible = victims.kind === 'certain' ? victims.pods : [...victims.certain, ...victims.between];
  const other = possible.find((pod) => !named.includes(pod) && !empty.has(pod.name));
  if (other !== undefined) return { kind: 'refused', why: `pod ${other.name} might be taken in place of the ones that are meant` };
  const spared = running.find((pod) => !certain.includes(pod));
  if (spared !== undefined) return { kind: 'refused', why: `another pod would be taken before ${spared.name}` };
  return { kind: 'write', to, pods: named };
}
