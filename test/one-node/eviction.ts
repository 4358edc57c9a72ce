import type { OneNode } from './cluster.ts';

/** Asks for a pod's eviction as `kubectl drain` does, by the API that minds disruption budgets. Rejects where a budget refuses it. */
export async function evict(cluster: OneNode, namespace: string, pod: string): Promise<void> {
  const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: pod, namespace } };
  const path = `/api/v1/namespaces/${namespace}/pods/${pod}/eviction`;
  await cluster.kubectl(['create', '--raw', path, '-f', '-'], { stdin: JSON.stringify(eviction) });
}
