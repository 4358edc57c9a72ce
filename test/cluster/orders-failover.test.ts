// What people order for a Deployment: by `celeriac scale`, which outlives the autoscaler that took it, and by KEDA's annotations.

import { expect, it } from 'vitest';
import { until } from '../until.ts';
import { runCeleriac } from '../worker-process.ts';
import { type AutoscalerProcess, type Fleet, startFleet } from './fleet-rig.ts';

const pool = async (autoscaler: AutoscalerProcess) => (await autoscaler.pools()).find((one) => one.pool === 'work');

async function leaderOf(fleet: Fleet): Promise<AutoscalerProcess> {
  let leader: AutoscalerProcess | undefined;
  const held = async (): Promise<boolean> => {
    for (const autoscaler of fleet.autoscalers) {
      const answer = (await (await fetch(`${autoscaler.server}/api/pools`)).json()) as { lease: { held: boolean } };
      if (answer.lease.held && (await pool(autoscaler)) !== undefined) leader = autoscaler;
    }
    return leader !== undefined;
  };
  await until(held, { timeoutMs: 90_000, what: 'a leader that has decided' });
  if (leader === undefined) throw new Error('no leader');
  return leader;
}

it('an order outlives the autoscaler that took it, and one that stands by takes none', async () => {
  await using fleet = await startFleet({ broker: 'redis', pools: [{ name: 'work' }], autoscalers: 2 });
  const leader = await leaderOf(fleet);
  const standby = fleet.autoscalers.find((one) => one !== leader);
  if (standby === undefined) throw new Error('no second one');
  const celeriac = (at: AutoscalerProcess, ...args: readonly string[]) => runCeleriac([...args, '--server', at.server]);

  const knowsHolder = async () =>
    ((await (await fetch(`${standby.server}/api/pools`)).json()) as { lease: { holder: string | null } }).lease.holder !== null;
  await until(knowsHolder, { timeoutMs: 90_000, what: 'the second one to have read the lease' });
  const ready = await fetch(`${standby.server}/readyz`);
  expect([ready.status, await ready.text()]).toEqual([200, 'standby\n']);
  const refused = await celeriac(standby, 'scale', 'pause', 'work');
  expect([refused.code, refused.output]).toEqual([
    69,
    expect.stringMatching(/this autoscaler does not hold the lease; \S+ holds it: ask that one/),
  ]);
  expect((await celeriac(standby, 'pools')).stdout).toMatch(/^standing by, \S+ holds the lease/);
  expect((await celeriac(standby, 'explain', 'work')).output).toContain('does not hold the lease');

  expect((await celeriac(leader, 'scale', 'pause', 'work', '--by', 'jane')).stdout).toBe('work: paused by jane\n');
  leader.process.signal('SIGKILL');
  await leader.process.ended;
  const ids = await fleet.publish('work', 4, 200);
  await until(async () => (await pool(standby))?.waiting === 4, { timeoutMs: 90_000, what: 'the other one to take over' });
  await until(async () => (await pool(standby))?.reason === 'paused', { timeoutMs: 90_000, what: 'the pause to be honoured' });
  expect(await pool(standby)).toMatchObject({ orders: { pause: 'all', by: 'jane' }, wanted: 0 });
  expect(fleet.changes('work')).toEqual([0]);

  await celeriac(standby, 'scale', 'resume', 'work');
  await fleet.ledger.allEnded(ids, 120_000);
  await fleet.atZero('work');
});

it('KEDA’s annotations on the Deployment are orders, and are taken back there', async () => {
  await using fleet = await startFleet({ broker: 'redis', pools: [{ name: 'work' }] });
  const leader = await leaderOf(fleet);
  const annotate = (text: string) => fleet.cluster.kubectl(['annotate', '--overwrite', '-n', fleet.namespace, 'deployment', 'work', text]);

  await annotate('autoscaling.keda.sh/paused-replicas=2');
  await until(async () => (await pool(leader))?.replicas === 2, { timeoutMs: 90_000, what: 'two replicas' });
  expect(await pool(leader)).toMatchObject({ wanted: 2, orders: { fixed: 2, by: 'annotation autoscaling.keda.sh/paused-replicas' } });
  const resumed = await runCeleriac(['scale', 'resume', 'work', '--server', leader.server]);
  expect(resumed.stdout).toBe('work: nothing is ordered here, but still fixed at 2 by annotation autoscaling.keda.sh/paused-replicas\n');
  const why = await leader.explain('work');
  expect(why.wouldChange.join('\n')).toContain('removing the annotation autoscaling.keda.sh/paused-replicas');
  await annotate('autoscaling.keda.sh/paused-replicas-');
  await fleet.atZero('work');

  await annotate('autoscaling.keda.sh/paused-scale-out=true');
  await until(async () => (await pool(leader))?.orders.pause === 'out', { timeoutMs: 90_000, what: 'the annotation to be seen' });
  const ids = await fleet.publish('work', 2, 100);
  await until(async () => (await pool(leader))?.reason === 'paused', { timeoutMs: 90_000, what: 'the pause to hold' });
  expect(await fleet.wanted('work')).toBe(0);
  await annotate('autoscaling.keda.sh/paused-scale-out-');
  await fleet.ledger.allEnded(ids, 120_000);
  await fleet.atZero('work');
});
