// A rollout in the middle of load: nobody can say whom a shrink would take, so that nothing shrinks until it is over.

import { expect, it } from 'vitest';
import { createGate } from '../integration/gate.ts';
import type { KubeObject } from '../kubernetes/objects.ts';
import { resourcePath } from '../kubernetes/objects.ts';
import { letTimePass } from '../until.ts';
import { eventually, expectUnharmed, explained, moves, podsOf, poolOf, scaleInEffects } from './fleet-checks.ts';
import { STEADY_LEASE, startFleet } from './fleet-rig.ts';

const scaling = '{ min: 0, max: 3, goal: { queueWait: 4s, expectedTaskTime: 1s, expectedStartTime: 3s }, idleToZero: 3s, downDelay: 2s }';
const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } };

interface Status {
  readonly observedGeneration?: number;
  readonly replicas?: number;
  readonly updatedReplicas?: number;
  readonly availableReplicas?: number;
}

it('shrinks nothing while it lasts, loses nothing, and shrinks afterwards', { timeout: 400_000 }, async () => {
  await using fleet = await startFleet({
    broker: 'redis',
    config: STEADY_LEASE,
    pools: [{ name: 'rolling', scaling, settings: { strategy } }],
  });
  const path = resourcePath('Deployment', fleet.namespace, 'rolling');
  using gate = createGate();
  const ids = [...(await fleet.publish('rolling', 12, 0, gate))];
  await eventually(fleet, 'three workers at work', async () => {
    const { replicas, starting, running } = await poolOf(fleet, 'rolling');
    return replicas === 3 && starting === 0 && running > 4;
  });
  const old = new Set((await podsOf(fleet, 'rolling')).map(({ metadata }) => metadata.name));

  // half a rollout: the first new pod finds no node, while the load ends
  const held = fleet.kubelet.holdPending((pod) => pod.metadata.annotations?.['round'] === '2');
  const beganMs = Date.now();
  await fleet.cluster.api.patch(path, { spec: { template: { metadata: { annotations: { round: '2' } } } } });
  await eventually(fleet, 'a new pod', async () => (await podsOf(fleet, 'rolling')).some(({ metadata }) => !old.has(metadata.name)));
  gate.open();
  await fleet.ledger.allEnded(ids, 60_000);
  await letTimePass(8_000, 'longer than the pool would keep what has no work');
  expect(await explained(fleet, 'rolling')).toMatch(/a rollout is in progress/);
  expect((await scaleInEffects(fleet, 'rolling')).filter(({ kind }) => kind === 'cordon' || kind === 'remove')).toEqual([]);
  expect(moves(fleet, 'rolling', beganMs)).toEqual({ up: 0, down: 0 });

  // the other half under load: workers are replaced in the middle of their tasks
  ids.push(...(await fleet.publish('rolling', 18, 2_500)));
  await eventually(fleet, 'tasks that run', async () => (await poolOf(fleet, 'rolling')).running > 4);
  held.release();
  await eventually(fleet, 'the end of the rollout', async () => {
    const { metadata, spec, status } = await fleet.cluster.api.get<KubeObject<{ replicas: number }, Status>>(path);
    const wanted = spec?.replicas ?? 0;
    const counts = [status?.replicas, status?.updatedReplicas, status?.availableReplicas];
    return (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0) && counts.every((count) => (count ?? 0) === wanted);
  });
  expect(moves(fleet, 'rolling', beganMs).down).toBe(0);
  const untold = () => fleet.kubelet.records.filter((record) => old.has(record.pod) && record.termAtMs === undefined);
  await eventually(fleet, 'every old pod told to go', () => untold().length === 0);

  await fleet.ledger.allEnded(ids, 120_000);
  await fleet.atZero('rolling');
  await expectUnharmed(fleet, ids);
});
