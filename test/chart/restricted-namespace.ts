// A namespace in which the API server wants Pod Security "restricted". Its admission looks at a copy of the namespaces that follows what is
// written by a moment: a label that was written is not yet a label that counts.

import type { ControlPlane } from '../kubernetes/control-plane.ts';
import { resourcePath } from '../kubernetes/objects.ts';
import { ApiRefusal } from '../kubernetes/rest.ts';
import { until } from '../until.ts';

const LEVELS = { 'pod-security.kubernetes.io/enforce': 'restricted', 'pod-security.kubernetes.io/warn': 'restricted' };

/** Creates one that refuses pods which are not, and warns of Deployments of such. Resolves with its name when it does. */
export async function restrictedNamespace({ api, createNamespace }: ControlPlane): Promise<string> {
  const namespace = await createNamespace();
  await api.patch(resourcePath('Namespace', undefined, namespace), { metadata: { labels: LEVELS } }, 'merge');
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'bare' }, spec: { containers: [{ name: 'main', image: 'app' }] } };
  const refused = async (): Promise<boolean> => {
    try {
      await api.create(`${resourcePath('Pod', namespace)}?dryRun=All`, pod);
      return false;
    } catch (error) {
      if (error instanceof ApiRefusal && error.message.includes('violates PodSecurity')) return true;
      throw error;
    }
  };
  await until(refused, { what: `the labels of ${namespace} to count` });
  return namespace;
}
