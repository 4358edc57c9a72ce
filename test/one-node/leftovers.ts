// Every object there is of a release: what lies in its namespace, and what has none.

import type { OneNode } from './cluster.ts';

/** What comes and goes by itself. */
const PASSING =
  /^(events|events\.events\.k8s\.io|endpointslices\.discovery\.k8s\.io|componentstatuses|nodes|leases\.coordination\.k8s\.io\/kube)/;

/** `RESOURCE/NAME` of everything in the namespace and of everything without one. */
export async function objectsOf(cluster: OneNode, namespace: string): Promise<readonly string[]> {
  const kinds = async (namespaced: boolean): Promise<string> => {
    const names = await cluster.kubectl(['api-resources', '--verbs=list', `--namespaced=${namespaced}`, '-o', 'name']);
    return names
      .trim()
      .split('\n')
      .filter((name) => !PASSING.test(name))
      .join(',');
  };
  const [inside, outside] = await Promise.all([kinds(true), kinds(false)]);
  const listed = await Promise.all([
    cluster.kubectl(['get', inside, '-n', namespace, '-o', 'name']),
    cluster.kubectl(['get', outside, '-o', 'name']),
  ]);
  return listed
    .join('\n')
    .split('\n')
    .filter((line) => line !== '');
}
