// Pools of other kinds in one release: Python Celery, a Deployment that is not the chart's, one that nobody scales; and a broker whose URL
// changes in a Secret that is not the chart's either.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Celery } from '@celeriac/producer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { workerDeployment } from '../kubernetes/manifests.ts';
import { resourcePath } from '../kubernetes/objects.ts';
import { celeriacProgram } from '../kubernetes/worker-program.ts';
import { ledgerApp } from '../python/ledger-app.ts';
import { pythonPeer } from '../python/venv.ts';
import { expectKept, names } from './chart-checks.ts';
import { type ChartRig, startChartRig, type Values } from './chart-rig.ts';

const LIMIT_MS = 400_000;

describe('a release with pools of all kinds', () => {
  let rig: ChartRig;
  let folder: string;

  const values = (): Values => ({
    broker: { url: '', existingSecret: { name: 'queues', key: 'address' } },
    pools: {
      snakes: {
        ...{ kind: 'python', app: 'app', queues: ['snakes'], terminationGracePeriodSeconds: 65 },
        image: { registry: 'docker.io/local', repository: 'celery-app', tag: 'test' },
      },
      legacy: { queues: ['legacy'], concurrency: 2, existingDeployment: { name: 'legacy' } },
      fixed: { queues: ['fixed'], scaling: { by: 'none' }, replicas: 1 },
    },
  });
  /** As whoever runs the broker would. */
  const moveBroker = (url: string): Promise<unknown> =>
    rig.cluster.api.patch(resourcePath('Secret', rig.namespace, 'queues'), { stringData: { address: url } });
  const legacyAtZero = (): Promise<unknown> =>
    rig.eventually('legacy at zero', async () => {
      const pods = rig.kubelet.pods().filter(({ metadata }) => metadata.name.startsWith('legacy-'));
      return pods.length === 0 && rig.history('legacy').at(-1)?.replicas === 0;
    });

  beforeAll(async () => {
    const peer = await pythonPeer('celery57');
    folder = mkdtempSync(join(tmpdir(), 'celeriac-chart-app-'));
    writeFileSync(join(folder, 'app.py'), ledgerApp);
    const env = { ...peer.env, PATH: `${join(peer.python, '..')}:${process.env['PATH'] ?? ''}`, PYTHONPATH: folder };
    const images = { 'docker.io/local/celery-app:test': { entrypoint: [], env }, 'celeriac.test/worker:1': { entrypoint: [] } };
    rig = await startChartRig('helm4', { images, restricted: false });
    const { cluster, namespace, redis } = rig;
    const broker = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'queues' }, stringData: { address: redis.url } };
    const program = celeriacProgram({
      tasks: 'test/integration/autoscaler-tasks.ts',
      broker: redis.url,
      queues: ['legacy'],
      drainTimeoutS: 20,
    });
    await cluster.created(namespace, broker, workerDeployment({ name: 'legacy', program, graceS: 40 }));
    await rig.install(values());
  }, LIMIT_MS);
  afterAll(async () => {
    await rig?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  it('scales Python Celery and a Deployment it does not own from zero and back, and leaves alone what nobody scales', {
    timeout: LIMIT_MS,
  }, async () => {
    await Promise.all([rig.atZero('snakes'), legacyAtZero()]);
    const ids = [
      ...(await rig.publish('snakes', 12, 700)),
      ...(await rig.publish('legacy', 12, 700)),
      ...(await rig.publish('fixed', 6, 200)),
    ];
    await rig.ledger.allEnded(ids, 120_000);
    const most = (deployment: string): number => Math.max(...rig.history(deployment).map(({ replicas }) => replicas));
    expect(most(rig.deployment('snakes'))).toBeGreaterThanOrEqual(2);
    expect(most('legacy')).toBeGreaterThanOrEqual(2);
    await Promise.all([rig.atZero('snakes'), legacyAtZero()]);
    expectKept(rig, ids);
    expect(rig.history(rig.deployment('fixed')).map(({ replicas }) => replicas)).toEqual([1]);
    expect(rig.proxy.requests.filter(({ status }) => status === 403)).toEqual([]);
  });

  it('follows the broker to the URL that its Secret has now, without a restart', { timeout: LIMIT_MS }, async () => {
    const autoscalers = await names(rig, 'autoscaler');
    const moved = rig.redis.database(2);
    await moveBroker(moved);
    await using celery = disposable(new Celery({ broker: moved }));
    const ids = await rig.publish('snakes', 8, 500, celery.it);
    await rig.ledger.allEnded(ids, 120_000);
    await rig.atZero('snakes');
    expectKept(rig, ids);
    expect(await names(rig, 'autoscaler')).toEqual(autoscalers);
    const restarts = (await rig.pods('autoscaler')).flatMap(
      ({ status }) => status?.containerStatuses?.map(({ restartCount }) => restartCount) ?? [],
    );
    expect(restarts).toEqual([0, 0]);
  });
});

function disposable(it: Celery): AsyncDisposable & { readonly it: Celery } {
  return { it, [Symbol.asyncDispose]: () => it.close() };
}
