import { randomUUID } from 'node:crypto';
import { type ApiClient, pathOf } from '../kubernetes/api-client.ts';
import { kubeFailure } from '../kubernetes/failure.ts';
import { leaseObject as withVersion } from './lease-object.ts';

/** Managers of this name in `managedFields` are ours. */
export const FENCE_MANAGER = 'celeriac-fence-';

const TIMEOUT_MS = 5_000;
const MOST_ROUNDS = 5;

/**
 * Makes sure that no `/scale` write that anybody sent before can still take effect: each carries the resourceVersion it was based on, and
 * this moves it on. Server-side apply of the replicas it has, by a manager of a name never used before, makes that manager a co-owner of
 * the field: the object changes, its numbers and its generation do not, and nothing is rolled out (seen on 1.34). The co-owner is gone with
 * the next write that changes the number. Rejects with CELERIAC_E_KUBERNETES, also where `mayWrite` says no.
 */
export async function fenceScale(options: {
  readonly client: Pick<ApiClient, 'request'>;
  readonly namespace: string;
  readonly name: string;
  readonly mayWrite: () => boolean;
}): Promise<void> {
  const { client, namespace, name, mayWrite } = options;
  const path = pathOf`/apis/apps/v1/namespaces/${namespace}/deployments/${name}/scale`;
  const read = async (): Promise<{ readonly version: string | undefined; readonly replicas: number }> => {
    const scale = withVersion(await client.request({ method: 'GET', path, priority: 'urgent', timeoutMs: TIMEOUT_MS }));
    const { replicas } = (scale?.spec ?? {}) as { readonly replicas?: number };
    return { version: scale?.metadata.resourceVersion, replicas: replicas ?? 0 };
  };
  const before = await read();
  // Nothing is below zero, and the API server leaves a zero out, so that nobody can own it.
  if (before.replicas === 0) return;
  let { version, replicas } = before;
  for (let round = 1; version === before.version; round += 1) {
    try {
      await client.request({
        method: 'PATCH',
        path,
        query: { fieldManager: `${FENCE_MANAGER}${randomUUID().slice(0, 8)}` },
        contentType: 'application/apply-patch+yaml',
        body: { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name, resourceVersion: version }, spec: { replicas } },
        priority: 'urgent',
        timeoutMs: TIMEOUT_MS,
        attempts: 1,
        mayWrite,
      });
      return;
    } catch (error) {
      const failure = kubeFailure(error);
      // Refused since it has moved by itself, or nobody knows: either way the version tells.
      if (round >= MOST_ROUNDS || !(failure?.status === 409 || failure?.outcomeUnknown === true)) throw error;
      ({ version, replicas } = await read());
    }
  }
}
