// `celeriac scale` against a running autoscaler: orders are obeyed at once, and stand when the autoscaler is another one.

import { expect, it } from 'vitest';
import { letTimePass } from '../until.ts';
import { runCeleriac } from '../worker-process.ts';
import { eventually, expectUnharmed, explained, leader, metric, podsOf, poolOf } from './fleet-checks.ts';
import { type Fleet, STEADY_LEASE, startFleet } from './fleet-rig.ts';

async function scale(fleet: Fleet, ...args: readonly string[]): Promise<string> {
  const { code, output } = await runCeleriac(['scale', ...args, '--server', leader(fleet).server, '--by', 'ann']);
  expect(output).toMatch(/^ordered: /m);
  expect(code).toBe(0);
  return output;
}

/** Waits until another autoscaler decides. */
async function decides(fleet: Fleet): Promise<void> {
  const taken = async () => (await leader(fleet).pools()).some(({ pool }) => pool === 'ordered');
  await eventually(fleet, 'the autoscaler to decide', taken);
}

it('pauses, resumes and fixes a pool, also over the end of the autoscaler', { timeout: 400_000 }, async () => {
  await using fleet = await startFleet({ broker: 'redis', config: STEADY_LEASE, pools: [{ name: 'ordered' }] });
  await scale(fleet, 'pause', 'ordered');
  const ids = [...(await fleet.publish('ordered', 4, 300))];
  await eventually(fleet, 'a pause that holds the pool', async () => {
    const { reason, waiting } = await poolOf(fleet, 'ordered');
    return reason === 'paused' && waiting === 4;
  });
  expect(await explained(fleet, 'ordered')).toMatch(/paused by ann/);
  expect(metric(await leader(fleet).metrics(), 'limited', { pool: 'ordered', reason: 'paused' })).toBe(1);

  await leader(fleet).process.stop();
  await fleet.startAutoscaler();
  await decides(fleet);
  await eventually(fleet, 'the pause of the one before', async () => {
    const { reason, replicas, waiting } = await poolOf(fleet, 'ordered');
    return reason === 'paused' && replicas === 0 && waiting === 4;
  });
  expect(await explained(fleet, 'ordered')).toMatch(/paused by ann/);
  await letTimePass(2_000, 'turns of an autoscaler that would have to forget the pause');
  expect(fleet.changes('ordered')).toEqual([0]);

  await scale(fleet, 'resume', 'ordered');
  await fleet.ledger.allEnded(ids, 120_000);
  await fleet.atZero('ordered');

  await scale(fleet, 'set', 'ordered', '2');
  await eventually(fleet, 'two workers without work', async () => {
    const { replicas, starting } = await poolOf(fleet, 'ordered');
    return replicas === 2 && starting === 0;
  });
  const pods = (await podsOf(fleet, 'ordered')).map(({ metadata }) => metadata.name).toSorted();
  expect(await explained(fleet, 'ordered')).toMatch(/fixed at 2 by ann/);
  leader(fleet).process.signal('SIGKILL');
  await leader(fleet).process.ended;
  await fleet.startAutoscaler();
  await decides(fleet);
  await letTimePass(6_000, 'longer than a pool without work would keep its workers');
  await eventually(fleet, 'the number of the one before', async () => {
    const { wanted, reason } = await poolOf(fleet, 'ordered');
    return wanted === 2 && reason === 'fixed';
  });
  expect((await podsOf(fleet, 'ordered')).map(({ metadata }) => metadata.name).toSorted()).toEqual(pods);

  await scale(fleet, 'pause', 'ordered', '--in');
  await eventually(fleet, 'a pause in place of the number', async () => (await poolOf(fleet, 'ordered')).reason === 'paused');
  await letTimePass(4_000, 'longer than a pool without work would keep its workers');
  expect(await fleet.wanted('ordered')).toBe(2);
  // more than two workers could begin in time, however short the tasks before were
  ids.push(...(await fleet.publish('ordered', 120, 700)));
  await eventually(fleet, 'more than two, since only scaling in is paused', async () => (await fleet.wanted('ordered')) > 2);
  await fleet.ledger.allEnded(ids, 120_000);
  await scale(fleet, 'resume', 'ordered');
  await fleet.atZero('ordered');
  await expectUnharmed(fleet, ids);
});
