// The view and the client while the API server itself is restarted, frozen or forgetful, and while a token is rotated.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createApiClient } from '../../packages/autoscaler/src/kubernetes/api-client.ts';
import { loadCredentials } from '../../packages/autoscaler/src/kubernetes/credentials.ts';
import { createScaleWriter } from '../../packages/autoscaler/src/kubernetes/scale-writer.ts';
import { type ControlPlane, startControlPlane } from '../kubernetes/control-plane.ts';
import { untilAllowed } from '../kubernetes/in-force.ts';
import { readKubeconfig } from '../kubernetes/kubeconfig.ts';
import { serviceAccountWith, workerDeployment } from '../kubernetes/manifests.ts';
import { type KubeObject, resourcePath } from '../kubernetes/objects.ts';
import { until } from '../until.ts';
import { openView, recordingLogger } from './kubernetes-rig.ts';

const annotate = (cluster: ControlPlane, value: string): Promise<KubeObject> =>
  cluster.api.patch(resourcePath('Deployment', 'default', 'web'), { metadata: { annotations: { 'celeriac.dev/test': value } } });

describe('an API server of its own', () => {
  it('is restarted and frozen: what is seen is not called fresh until it is listed anew, and all goes on', async () => {
    await using cluster = await startControlPlane();
    await cluster.created('default', workerDeployment({ name: 'web', replicas: 2 }));
    await using rig = await openView(cluster.kubeconfig, 'default', { byteIdleMs: 1_500 });
    const seen = (value: string): Promise<boolean> =>
      until(() => rig.view.deployment('default', 'web')?.annotations['celeriac.dev/test'] === value, { timeoutMs: 30_000, what: value });
    const { uid = '' } = rig.view.deployment('default', 'web') ?? {};
    await until(() => rig.view.podsOf(uid).length === 2);

    await cluster.stopApiserver();
    await rig.synced(false);
    expect(rig.view.podsOf(uid)).toHaveLength(2);
    await cluster.startApiserver();
    await rig.synced();
    await annotate(cluster, 'restarted');
    await seen('restarted');

    await cluster.freezeApiserver();
    await rig.synced(false);
    expect(rig.view.freshness('default').ageMs).toBeGreaterThan(1_000);
    cluster.thawApiserver();
    await rig.synced();
    await annotate(cluster, 'thawed');
    await seen('thawed');
    expect(rig.view.goneOf(uid)).toEqual([]);
  });

  it('forgets old versions: the watch expires for real and is begun anew', async () => {
    await using cluster = await startControlPlane({ apiserverArgs: ['--watch-cache=false', '--etcd-compaction-interval', '2s'] });
    await cluster.created('default', workerDeployment({ name: 'web', replicas: 1 }));
    // no bookmarks without a watch cache: the version of a quiet watch ages until it has been compacted away
    await using rig = await openView(cluster.kubeconfig, 'default', { watchSeconds: [6, 7] });
    await until(
      async () => {
        await annotate(cluster, String(performance.now()));
        return rig.log.some(({ fields }) => String(fields['err']).includes('has expired (410)'));
      },
      { timeoutMs: 60_000, everyMs: 200, what: 'a real 410' },
    );
    await annotate(cluster, 'after');
    await until(() => rig.view.deployment('default', 'web')?.annotations['celeriac.dev/test'] === 'after', { timeoutMs: 30_000 });
    await rig.synced();
  });

  it('rotates the token of the service account, as a kubelet does', async () => {
    await using cluster = await startControlPlane();
    await cluster.created('default', workerDeployment({ name: 'web', replicas: 0 }));
    const rules = [{ apiGroups: ['apps'], resources: ['deployments/scale'], verbs: ['get', 'patch'] }];
    await cluster.created('default', ...serviceAccountWith('autoscaler', 'default', rules));
    const serviceAccountDir = mkdtempSync(join(tmpdir(), 'celeriac-account-'));
    const write = (name: string, content: string): void => writeFileSync(join(serviceAccountDir, name), content);
    // the shortest token to be had lives ten minutes; one that is bound to a Secret ends with it
    const token = async (secret: string): Promise<string> => {
      const bound = await cluster.api.create(resourcePath('Secret', 'default'), {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: secret },
      });
      const boundObjectRef = { kind: 'Secret', apiVersion: 'v1', name: secret, uid: bound.metadata.uid };
      const { status } = await cluster.api.create<KubeObject<unknown, { readonly token: string }>>(
        resourcePath('ServiceAccount', 'default', 'autoscaler', 'token'),
        { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 600, boundObjectRef } },
      );
      return status?.token ?? '';
    };
    write('ca.crt', readKubeconfig(cluster.kubeconfig).ca);
    write('namespace', 'default');
    write('token', await token('first'));
    const env = { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: String(cluster.port) };
    const credentials = await loadCredentials({ env, serviceAccountDir });
    expect(credentials.namespace).toBe('default');
    await untilAllowed(cluster, 'default', 'autoscaler', rules);
    const logger = recordingLogger();
    const client = createApiClient({ credentials, logger });
    const writer = createScaleWriter(client);
    const target = { namespace: 'default', name: 'web', mayWrite: () => true };
    expect(await writer.moveScale({ ...target, from: 0, to: 1 })).toMatchObject({ kind: 'written' });

    const second = await token('second');
    await cluster.api.delete(resourcePath('Secret', 'default', 'first'));
    const refused = () => client.request({ method: 'GET', path: resourcePath('Deployment', 'default', 'web', 'scale'), attempts: 1 });
    const failure = await until(() => refused().then(() => null, String), { timeoutMs: 30_000, everyMs: 250, what: 'the first 401' });
    expect(failure).toContain('401 Unauthorized');

    // the file is not read again for a minute, but for the 401
    await credentials.authorize();
    write('token', `${second}\n`);
    expect(await writer.moveScale({ ...target, from: 1, to: 2 })).toMatchObject({ kind: 'written' });
    expect(JSON.stringify(logger.lines.map(({ fields, text }) => [text, String(fields['err'])]))).not.toContain(second.slice(0, 20));
    client.close();
    rmSync(serviceAccountDir, { recursive: true });
  });
});
