// A write to /scale that changes no number, and after which no earlier one is taken.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ApiClient, createApiClient } from '../../packages/autoscaler/src/kubernetes/api-client.ts';
import { loadCredentials } from '../../packages/autoscaler/src/kubernetes/credentials.ts';
import { createScaleWriter } from '../../packages/autoscaler/src/kubernetes/scale-writer.ts';
import { FENCE_MANAGER, fenceScale } from '../../packages/autoscaler/src/lease/fence-scale.ts';
import { startApiProxy } from '../kubernetes/api-proxy.ts';
import { type ControlPlane, sharedControlPlane } from '../kubernetes/control-plane.ts';
import { workerDeployment } from '../kubernetes/manifests.ts';
import { type KubeObject, resourcePath } from '../kubernetes/objects.ts';
import { until } from '../until.ts';

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const yes = (): boolean => true;

let plane: ControlPlane;
let client: ApiClient;
let namespace: string;
beforeAll(async () => {
  plane = await sharedControlPlane();
  namespace = await plane.createNamespace();
  client = createApiClient({ credentials: await loadCredentials({ kubeconfig: plane.kubeconfig }), logger: silent });
  await plane.created(namespace, workerDeployment({ name: 'web', replicas: 3 }));
  // Nothing moves the version by itself from here on: its pods stay Pending.
  await until(() => settled(3), { what: 'the controller to have made its pods' });
});
afterAll(async () => {
  client?.close();
  await plane?.stop();
});

interface Deployment extends KubeObject<{ readonly replicas: number }> {
  readonly metadata: KubeObject['metadata'] & { readonly generation: number };
}
const deployment = (): Promise<Deployment> => plane.api.get<Deployment>(resourcePath('Deployment', namespace, 'web'));
/** Whether the controller has done what was asked for, and said so. */
const settled = async (replicas: number): Promise<boolean> => {
  const { status, metadata } = await deployment();
  const follows = status?.['observedGeneration'] === metadata.generation && status?.['updatedReplicas'] === replicas;
  return follows && status?.['replicas'] === replicas && status['unavailableReplicas'] === replicas;
};
const fences = ({ metadata }: Deployment): readonly unknown[] =>
  (metadata.managedFields ?? []).filter(({ manager }) => String(manager).startsWith(FENCE_MANAGER));

it('moves the version on each time, and neither the number nor the generation; the next change of the number clears it away', async () => {
  const writer = createScaleWriter(client);
  for (let times = 1; times <= 3; times += 1) {
    const before = await deployment();
    await fenceScale({ client, namespace, name: 'web', mayWrite: yes });
    const after = await deployment();
    expect(after.metadata.resourceVersion).not.toBe(before.metadata.resourceVersion);
    expect(after.metadata.generation).toBe(before.metadata.generation);
    expect(after.spec?.replicas).toBe(before.spec?.replicas);
    expect(fences(after)).toHaveLength(times);
  }
  await writer.moveScale({ namespace, name: 'web', from: 3, to: 2, mayWrite: yes });
  expect(fences(await deployment())).toEqual([]);
});

it('writes nothing at zero, below which no shrink leads', async () => {
  await plane.created(namespace, workerDeployment({ name: 'none', replicas: 0 }));
  await fenceScale({ client, namespace, name: 'none', mayWrite: () => false });
});

it('lets no write through that was decided before it', async () => {
  const writer = createScaleWriter(client);
  const { resourceVersion, replicas } = await writer.readScale(namespace, 'web');
  await fenceScale({ client, namespace, name: 'web', mayWrite: yes });
  const late = { namespace, name: 'web', replicas: replicas - 1, resourceVersion, mayWrite: yes };
  expect(await writer.writeScale(late)).toMatchObject({ kind: 'conflict', seen: { replicas } });
});

it('never takes back a shrink that comes in between, and writes nothing without the right to', async () => {
  await using proxy = await startApiProxy(plane);
  const credentials = await loadCredentials({ kubeconfig: proxy.through(plane.kubeconfig) });
  const slow = createApiClient({ credentials, logger: silent });
  const held = proxy.hold(({ method }) => method === 'PATCH');
  const fencing = fenceScale({ client: slow, namespace, name: 'web', mayWrite: yes });
  await until(() => held.met.length === 1, { what: 'the fence on its way' });
  await createScaleWriter(client).moveScale({ namespace, name: 'web', from: 2, to: 1, mayWrite: yes });
  held.release();
  await fencing;
  expect((await deployment()).spec?.replicas).toBe(1);

  await until(() => settled(1), { what: 'the controller to have followed' });
  const { metadata } = await deployment();
  await expect(fenceScale({ client: slow, namespace, name: 'web', mayWrite: () => false })).rejects.toMatchObject({
    code: 'CELERIAC_E_KUBERNETES',
  });
  expect((await deployment()).metadata.resourceVersion).toBe(metadata.resourceVersion);
  slow.close();
});
