import type { TargetReplica } from '../target.ts';
import { isActive } from './pod-facts.ts';
import { type DeploymentObjects, shrinkHold } from './shrink-hold.ts';
import { victimsOf } from './victims-of.ts';

/**
 * The least number, not below `to`, that somebody else may write to `spec.replicas` now so that the ReplicaSet controller can choose nobody
 * but pods that are free to go: told idle, or running nothing. Whoever would go is worked out by that controller's own order, from the marks
 * that are seen on the pods, so a mark on its way counts for nothing. Where nobody can say whom it would take, what is wanted stays. Pure.
 * @param wanted pods the Deployment wants now
 * @param idle names of pods whose worker is known to hold nothing
 */
export function safeNumber(
  to: number,
  wanted: number,
  replicas: readonly TargetReplica[],
  objects: DeploymentObjects,
  idle: ReadonlySet<string>,
): number {
  if (to >= wanted) return to;
  const empty = new Set(replicas.filter((replica) => replica.empty).map((replica) => replica.id));
  if (shrinkHold(objects, empty) !== null) return wanted;
  const active = objects.pods.filter(isActive);
  const isFree = (pod: { readonly name: string }): boolean => empty.has(pod.name) || idle.has(pod.name);
  for (let number = to; number < wanted; number += 1) {
    const victims = victimsOf(active, Math.max(0, active.length - number));
    const possible = victims.kind === 'certain' ? victims.pods : [...victims.certain, ...victims.between];
    if (possible.every(isFree)) return number;
  }
  return wanted;
}
