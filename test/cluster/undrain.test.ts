// Load that returns between the cordon and the removal: the worker is taken back, and no pod is started or ended.

import { describe, expect, it } from 'vitest';
import { eventually, expectUnharmed, scaleInEffects } from './fleet-checks.ts';
import { startFleet } from './fleet-rig.ts';

const scaling = '{ min: 0, max: 4, goal: { queueWait: 4s, expectedTaskTime: 1s, expectedStartTime: 3s }, idleToZero: 1s, downDelay: 1s }';

describe.each(['redis', 'rabbitmq'] as const)('on %s', (broker) => {
  it.each([
    { pods: 1, tasks: 2 },
    { pods: 3, tasks: 6 },
  ])('takes $pods back', { timeout: 120_000 }, async ({ pods, tasks }) => {
    await using fleet = await startFleet({ broker, pools: [{ name: 'tidal', scaling }] });
    const ids = [...(await fleet.publish('tidal', tasks, 2_500))];
    await eventually(fleet, `${pods} pods`, async () => (await fleet.running('tidal')).length === pods);
    await fleet.ledger.allEnded(ids, 40_000);
    const cordoned = await eventually(
      fleet,
      'a cordon of each',
      async () => {
        const effects = await scaleInEffects(fleet, 'tidal');
        const of = new Set(effects.flatMap((effect) => (effect.kind === 'cordon' ? [effect.id] : [])));
        return of.size > 0 && !effects.some((effect) => effect.kind === 'remove') && of;
      },
      { everyMs: 25 },
    );
    const before = { starts: fleet.kubelet.records.length, changes: fleet.changes('tidal') };
    const returning = await fleet.publish('tidal', tasks, 300);
    await fleet.ledger.allEnded(returning, 20_000);
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
  });
});
