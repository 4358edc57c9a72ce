// Load that returns between the cordon and the removal: the worker is taken back, and no pod is started or ended.

import { createControlClient, createTransport } from '@celeriac/brokers';
import { describe, expect, it } from 'vitest';
import { startRedis } from '../brokers/redis.ts';
import { type ApiProxy, type SeenRequest, startApiProxy } from '../kubernetes/api-proxy.ts';
import { sharedControlPlane } from '../kubernetes/control-plane.ts';
import { pythonProgram } from '../kubernetes/worker-program.ts';
import { ledgerApp } from '../python/ledger-app.ts';
import { eventually, expectUnharmed, scaleInEffects } from './fleet-checks.ts';
import { type Fleet, type FleetOptions, STEADY_LEASE, startFleet } from './fleet-rig.ts';

const scaling = (max: number): string =>
  `{ min: 0, max: ${max}, goal: { queueWait: 4s, expectedTaskTime: 1s, expectedStartTime: 3s }, idleToZero: 3s, downDelay: 1s }`;

/** A mark that says who is to go, without which nothing is taken out; taking one off is none. */
const isMark = ({ method, path, body }: SeenRequest): boolean =>
  method === 'PATCH' && path.includes('/pods/') && /"controller\.kubernetes\.io\/pod-deletion-cost":"/.test(body);

interface Tidal extends AsyncDisposable {
  readonly fleet: Fleet;
  readonly proxy: ApiProxy;
}

async function startTidal(options: FleetOptions): Promise<Tidal> {
  await using stack = new AsyncDisposableStack();
  const cluster = await sharedControlPlane();
  const proxy = stack.use(await startApiProxy(cluster));
  const fleet = stack.use(await startFleet({ config: STEADY_LEASE, ...options, cluster, autoscalers: 0 }));
  await fleet.startAutoscaler({ kubeconfig: proxy.through(fleet.kubeconfig) });
  const kept = stack.move();
  return { fleet, proxy, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** Waits until workers answer that they serve nothing any more; resolves with their pods. */
async function cordonOfAll(fleet: Fleet, pods: number): Promise<readonly string[]> {
  const transport = await createTransport({ url: fleet.broker });
  try {
    const control = createControlClient({ bus: transport.bus });
    const said = async (): Promise<readonly string[]> => {
      const answers = await control.request('active_queues', {}, { timeoutMs: 1_000, limit: pods });
      return [...answers].flatMap(([nodename, queues]) => (Array.isArray(queues) && queues.length === 0 ? [nodename] : []));
    };
    const cordoned = await eventually(
      fleet,
      'workers that serve nothing',
      async () => {
        const nodenames = await said();
        return nodenames.length > 0 ? nodenames : null;
      },
      { everyMs: 25 },
    );
    return cordoned.map((nodename) => nodename.replace('celery@', ''));
  } finally {
    await transport.close();
  }
}

/** Brings up `pods`, lets them fall idle, and brings as much work again as soon as workers are cordoned. */
async function takesBack({ fleet, proxy }: Tidal, { pods, tasks }: { readonly pods: number; readonly tasks: number }): Promise<void> {
  const ids = [...(await fleet.publish('tidal', tasks, 2_500))];
  await eventually(fleet, `${pods} pods`, async () => (await fleet.running('tidal')).length === pods);
  // nobody is taken out before the load is back, however long that takes here
  const marks = proxy.hold(isMark, Number.POSITIVE_INFINITY);
  await fleet.ledger.allEnded(ids, 120_000);
  const cordoned = await cordonOfAll(fleet, pods);
  const before = { starts: fleet.kubelet.records.length, changes: fleet.changes('tidal') };
  // worth all the pods there may be: one that was taken out would have to be started again
  const returning = await fleet.publish('tidal', 4 * tasks, 1_500);
  await eventually(fleet, 'every cordon taken back', async () => {
    const kinds = (await scaleInEffects(fleet, 'tidal')).map(({ kind }) => kind);
    return kinds.filter((kind) => kind === 'uncordon').length >= cordoned.length;
  });
  // the marks of the next scale-in wait until all has been looked at
  const next = proxy.hold(isMark, Number.POSITIVE_INFINITY);
  marks.release();
  await fleet.ledger.allEnded(returning, 120_000);
  const effects = await scaleInEffects(fleet, 'tidal');
  for (const id of cordoned) {
    const own = effects.flatMap((effect) => ('id' in effect && effect.id === id ? [effect.kind] : []));
    expect(own.filter((kind) => kind === 'cordon' || kind === 'uncordon').slice(0, 2)).toEqual(['cordon', 'uncordon']);
  }
  expect(effects.flatMap((effect) => (effect.kind === 'remove' ? effect.ids : []))).toEqual([]);
  expect(fleet.changes('tidal')).toEqual(before.changes);
  expect(fleet.kubelet.records).toHaveLength(before.starts);
  expect(fleet.kubelet.records.filter((record) => record.termAtMs !== undefined)).toEqual([]);
  next.release();
  await fleet.atZero('tidal');
  await expectUnharmed(fleet, [...ids, ...returning]);
}

describe.concurrent('returning load', () => {
  it.each([
    { broker: 'redis', pods: 1, tasks: 2 },
    { broker: 'redis', pods: 3, tasks: 6 },
    { broker: 'rabbitmq', pods: 1, tasks: 2 },
    { broker: 'rabbitmq', pods: 3, tasks: 6 },
  ] as const)('takes $pods back on $broker', { timeout: 600_000 }, async ({ broker, ...size }) => {
    await using tidal = await startTidal({ broker, pools: [{ name: 'tidal', scaling: scaling(size.pods) }] });
    await takesBack(tidal, size);
  });

  it('takes a Python worker back', { timeout: 600_000 }, async () => {
    await using redis = await startRedis();
    using program = await pythonProgram({ app: ledgerApp, broker: redis.url, queues: ['tidal'] });
    const pool = { name: 'tidal', scaling: scaling(1), program: () => program, settings: { graceS: 65 } };
    await using tidal = await startTidal({ broker: { url: redis.url }, pools: [pool] });
    await takesBack(tidal, { pods: 1, tasks: 2 });
  });
});
