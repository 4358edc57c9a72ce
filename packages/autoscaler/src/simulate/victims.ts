import type { Cluster } from './cluster.ts';

/**
 * Takes `count` pods as a ReplicaSet does that nobody has marked pods for: those that are not ready first, then the newest. Whether they
 * are busy does not count.
 * Source: kubernetes pkg/controller/controller_utils.go, ActivePodsWithRanks.
 */
export function shrinkNewestFirst(cluster: Cluster, count: number): void {
  const order = cluster.pods
    .filter((pod) => pod.phase === 'starting' || pod.phase === 'up')
    .toSorted((a, b) => Number(a.phase === 'up') - Number(b.phase === 'up') || b.askedMs - a.askedMs);
  for (const pod of order.slice(0, count)) cluster.terminate(pod);
}
