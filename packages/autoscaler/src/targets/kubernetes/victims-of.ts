import type { SlimPod } from '../../kubernetes/slim.ts';
import { deletionCostOf, isActive } from './pod-facts.ts';

/** Whom a ReplicaSet would delete. */
export type Victims =
  | { readonly kind: 'certain'; readonly pods: readonly SlimPod[] }
  /** The line is drawn between pods that differ in nothing but age, node or restarts: some of these go, nobody should say which. */
  | { readonly kind: 'tie'; readonly certain: readonly SlimPod[]; readonly between: readonly SlimPod[] };

/**
 * The pods that the controller deletes when one ReplicaSet shrinks by `count`: those without a node first, then Pending before Unknown
 * before Running, not ready before ready, lower deletion cost before higher. What it compares next (pods on the same node, the logarithm
 * of ages, restarts, uids) moves with time and is a tie here. Pure.
 * Source: pkg/controller/controller_utils.go, ActivePodsWithRanks, and pkg/controller/replicaset/replica_set.go, getPodsToDelete.
 * @param pods pods of one ReplicaSet; those it does not count any more are left out here
 */
export function victimsOf(pods: readonly SlimPod[], count: number): Victims {
  const sorted = pods.filter(isActive).toSorted(compare);
  const last = sorted[count - 1];
  const next = sorted[count];
  if (last === undefined || next === undefined || compare(last, next) !== 0) return { kind: 'certain', pods: sorted.slice(0, count) };
  return {
    kind: 'tie',
    certain: sorted.filter((pod) => compare(pod, last) < 0),
    between: sorted.filter((pod) => compare(pod, last) === 0),
  };
}

function compare(a: SlimPod, b: SlimPod): number {
  return (
    Number(a.nodeName !== null) - Number(b.nodeName !== null) ||
    phaseRank(a) - phaseRank(b) ||
    Number(a.ready) - Number(b.ready) ||
    deletionCostOf(a) - deletionCostOf(b)
  );
}

function phaseRank(pod: SlimPod): number {
  return pod.phase === 'Pending' ? 0 : pod.phase === 'Unknown' ? 1 : 2;
}
