import { type ApiClient, pathOf } from './api-client.ts';
import { kubeFailure } from './failure.ts';
import { FIELD_MANAGER } from './scale-writer.ts';

/**
 * Sets annotations of one Pod; null takes one away. `gone`: the Pod was deleted, or another one has its name now. The patch names the
 * uid, which the API server compares (422: the field is immutable). It may be repeated, so that a write without an answer is written
 * again. Rejects with CELERIAC_E_KUBERNETES.
 */
export async function patchPodAnnotations(
  client: ApiClient,
  pod: {
    readonly namespace: string;
    readonly name: string;
    readonly uid: string;
    readonly annotations: Readonly<Record<string, string | null>>;
    /** Asked at the last moment of every attempt, see ApiRequest. */
    readonly mayWrite?: () => boolean;
  },
): Promise<'patched' | 'gone'> {
  const { namespace, name, uid, annotations, mayWrite } = pod;
  for (let round = 1; ; round += 1) {
    try {
      await client.request({
        method: 'PATCH',
        path: pathOf`/api/v1/namespaces/${namespace}/pods/${name}`,
        query: { fieldManager: FIELD_MANAGER },
        body: { metadata: { uid, annotations } },
        priority: 'background',
        ...(mayWrite === undefined ? {} : { mayWrite }),
      });
      return 'patched';
    } catch (error) {
      const failure = kubeFailure(error);
      if (failure?.status === 404 || failure?.status === 422) return 'gone';
      const again = failure?.outcomeUnknown === true || failure?.status === 409;
      if (!again || round >= 3) throw error;
    }
  }
}
