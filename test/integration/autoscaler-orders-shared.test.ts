// What others leave to a pool: a budget that two pools share, and a schedule.

import type { PoolTick } from '@celeriac/autoscaler';
import { expect, it } from 'vitest';
import { rhythmOf } from '../../packages/autoscaler/src/loop/pace.ts';
import { startRedis } from '../brokers/redis.ts';
import { createLedger } from '../ledger/ledger.ts';
import { until } from '../until.ts';
import { atZero, ourWorker, startAutoscaler } from './autoscaler-rig.ts';
import { createGate } from './gate.ts';

const pool = (name: string, lines: string): string => `  ${name}:
    queues: [${name}]
    slotsPerReplica: 1
${lines}    target: { local: { command: ${ourWorker} } }
`;
const quick = (more = ''): string => `    scaling: { max: 5, goal: { queueWait: 1s }, idleToZero: 1s, downDelay: 1s${more} }\n`;

it('a budget is never exceeded, serves the lower tier first, and takes no running work back', { timeout: 240_000 }, async () => {
  await using redis = await startRedis();
  using ledger = createLedger();
  await using rig = await startAutoscaler(
    redis.url,
    `budgets: { machine: { replicas: 3 } }
pools:
${pool('batch', `${quick()}    budget: { from: machine, tier: 2 }\n`)}${pool('web', `${quick()}    budget: { from: machine, tier: 1 }\n`)}`,
  );
  await until(() => rig.autoscaler.pools.size === 2, { what: 'both pools to decide' });
  const there = (name: string): number => rig.autoscaler.replicas(name).length;
  const most = { together: 0, webWhileBatchRan: 0 };
  rig.autoscaler.onTick(() => {
    most.together = Math.max(most.together, there('batch') + there('web'));
  });

  using gate = createGate();
  const batch = ['b1', 'b2', 'b3'];
  for (const id of batch) await rig.celery.sendTask('test.work', { args: [ledger.path, id, 2_000, gate.path], queue: 'batch' });
  await until(() => batch.every((id) => ledger.counts().starts.has(id)), { timeoutMs: 60_000, what: 'all of the batch to run' });
  const web = ['w1', 'w2', 'w3', 'w4'];
  const held = rig.nextTick((tick) => tick.pool === 'web' && tick.decision.reason === 'budget');
  for (const id of web) await rig.celery.sendTask('test.work', { args: [ledger.path, id, 500], queue: 'web' });
  const { decision } = await held;
  expect(decision).toMatchObject({ to: 0 });
  expect(decision.text).toContain('budget machine of 3 replicas leaves 0: batch has 3');
  expect(rig.autoscaler.explain('web')?.wouldChange.join()).toContain('other pools of the budget wanting less');

  // More for the batch while the web waits: what becomes free is the web's.
  const late = ['b4', 'b5', 'b6'];
  for (const id of late) await rig.celery.sendTask('test.work', { args: [ledger.path, id, 200], queue: 'batch' });
  gate.open();
  await ledger.allEnded([...batch, ...web, ...late], 60_000);
  for (const id of [...batch, ...web, ...late]) expect(ledger.counts().starts.get(id), id).toBe(1);
  expect(most.together).toBe(3);
  await Promise.all(['batch', 'web'].map((name) => rig.nextTick((tick) => tick.pool === name && atZero(tick))));
  // Nobody was woken over and over: turns come by the second, and by what happens.
  const turns = (name: string): number => rig.ticks.filter((tick) => tick.pool === name).length;
  const lastedS = ((rig.ticks.at(-1)?.atMs ?? 0) - (rig.ticks[0]?.atMs ?? 0)) / 1_000;
  expect(turns('batch') + turns('web')).toBeLessThan(30 * lastedS);
});

it('a schedule wakes the pool when it begins and lets it go when it ends', { timeout: 240_000 }, async () => {
  await using redis = await startRedis();
  const beginMs = Date.parse('2026-11-02T08:00:00Z');
  let aheadMs = beginMs - 3_600_000 - Date.now();
  const schedules = `, schedules: [{ from: '0 8 * * 1-5', to: '0 9 * * 1-5', timeZone: UTC, min: 2, max: 3 }]`;
  await using rig = await startAutoscaler(redis.url, `pools:\n${pool('office', quick(schedules))}`, { now: () => Date.now() + aheadMs });
  const before = await rig.nextTick(atZero);
  expect(before.decision.wakeAtMs).toBe(beginMs);
  const scales = rig.nextTick((tick) => tick.decision.kind === 'scale');
  // Shortly before it begins only now that all is there; the turn that is asked for sets the alarm.
  aheadMs = beginMs - 4_000 - Date.now();
  rig.autoscaler.wake();
  const begun = await scales;
  expect(begun.decision).toMatchObject({ to: 2, reason: 'schedule' });
  // Woken by the clock, not by chance: the regular turn of a pool of this name at zero is that at 3.75 s of each 5 s.
  expect(rhythmOf('office', 1)).toEqual({ phase: 0.75, idleMs: 5_000 });
  expect(begun.atMs).toBeGreaterThanOrEqual(beginMs);
  expect(begun.atMs - beginMs).toBeLessThan(3_000);
  const there = await rig.nextTick((tick: PoolTick) => tick.decision.evidence.replicas.ready === 2);
  expect(there.decision).toMatchObject({ to: 2, reason: 'schedule' });
  expect(rig.autoscaler.explain('office')?.wouldChange[0]).toContain('the end of the schedule 0 8 * * 1-5 to 0 9 * * 1-5 UTC');
  aheadMs += 3_600_000;
  const after = await rig.nextTick(atZero);
  expect(after.decision.wakeAtMs).toBe(Date.parse('2026-11-03T08:00:00Z'));
});
