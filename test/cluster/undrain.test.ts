// Load that returns between the cordon and the removal: the worker is taken back, and no pod is started or ended.

import { createControlClient, createTransport } from '@celeriac/brokers';
import { describe, expect, it } from 'vitest';
import { startRedis } from '../brokers/redis.ts';
import { pythonProgram } from '../kubernetes/worker-program.ts';
import { ledgerApp } from '../python/ledger-app.ts';
import { eventually, expectUnharmed, scaleInEffects } from './fleet-checks.ts';
import { type Fleet, startFleet } from './fleet-rig.ts';

const scaling = (max: number): string =>
  `{ min: 0, max: ${max}, goal: { queueWait: 4s, expectedTaskTime: 1s, expectedStartTime: 3s }, idleToZero: 3s, downDelay: 1s }`;

/** Waits until workers answer that they serve nothing any more, and none is taken out yet; resolves with their pods. */
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
async function takesBack(fleet: Fleet, { pods, tasks }: { readonly pods: number; readonly tasks: number }): Promise<void> {
  const ids = [...(await fleet.publish('tidal', tasks, 2_500))];
  await eventually(fleet, `${pods} pods`, async () => (await fleet.running('tidal')).length === pods);
  await fleet.ledger.allEnded(ids, 40_000);
  const cordoned = await cordonOfAll(fleet, pods);
  const before = { starts: fleet.kubelet.records.length, changes: fleet.changes('tidal') };
  // worth all the pods there may be: one that was taken out would have to be started again
  const returning = await fleet.publish('tidal', 4 * tasks, 1_500);
  await fleet.ledger.allEnded(returning, 40_000);
  await eventually(fleet, 'every cordon taken back', async () => {
    const kinds = (await scaleInEffects(fleet, 'tidal')).map(({ kind }) => kind);
    return kinds.filter((kind) => kind === 'uncordon').length >= cordoned.length;
  });
  const effects = await scaleInEffects(fleet, 'tidal');
  for (const id of cordoned) {
    const own = effects.flatMap((effect) => ('id' in effect && effect.id === id ? [effect.kind] : []));
    expect(own.filter((kind) => kind === 'cordon' || kind === 'uncordon').slice(0, 2)).toEqual(['cordon', 'uncordon']);
  }
  expect(effects.flatMap((effect) => (effect.kind === 'remove' ? effect.ids : []))).toEqual([]);
  expect(fleet.changes('tidal')).toEqual(before.changes);
  expect(fleet.kubelet.records).toHaveLength(before.starts);
  expect(fleet.kubelet.records.filter((record) => record.termAtMs !== undefined)).toEqual([]);
  await fleet.atZero('tidal');
  await expectUnharmed(fleet, [...ids, ...returning]);
}

describe.concurrent('returning load', () => {
  it.each([
    { broker: 'redis', pods: 1, tasks: 2 },
    { broker: 'redis', pods: 3, tasks: 6 },
    { broker: 'rabbitmq', pods: 1, tasks: 2 },
    { broker: 'rabbitmq', pods: 3, tasks: 6 },
  ] as const)('takes $pods back on $broker', { timeout: 180_000 }, async ({ broker, ...size }) => {
    await using fleet = await startFleet({ broker, pools: [{ name: 'tidal', scaling: scaling(size.pods) }] });
    await takesBack(fleet, size);
  });

  it('takes a Python worker back', { timeout: 180_000 }, async () => {
    await using redis = await startRedis();
    using program = await pythonProgram({ app: ledgerApp, broker: redis.url, queues: ['tidal'] });
    const pool = { name: 'tidal', scaling: scaling(1), program: () => program, settings: { graceS: 65 } };
    await using fleet = await startFleet({ broker: { url: redis.url }, pools: [pool] });
    await takesBack(fleet, { pods: 1, tasks: 2 });
  });
});
