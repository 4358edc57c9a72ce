// The broker goes away under a busy pool, and is away when the autoscaler starts.

import { expect, it } from 'vitest';
import { startRedis } from '../brokers/redis.ts';
import { createLedger } from '../ledger/ledger.ts';
import { until } from '../until.ts';
import { atZero, ourWorker, startAutoscaler } from './autoscaler-rig.ts';
import { createGate } from './gate.ts';

const pools = (more = ''): string => `
pools:
  default:
    queues: [celery]
    slotsPerReplica: 1
    scaling: { max: 2, goal: { queueWait: 1s }, idleToZero: 1s, downDelay: 1s${more} }
    target: { local: { command: ${ourWorker} } }
`;

it('never shrinks while the broker is away, and goes on when it is back', { timeout: 240_000 }, async () => {
  await using redis = await startRedis({ persistent: true });
  using ledger = createLedger();
  await using rig = await startAutoscaler(redis.url, pools());
  using gate = createGate();
  await rig.nextTick(atZero);
  const both = rig.nextTick((tick) => tick.decision.evidence.replicas.ready === 2 && tick.decision.evidence.active === 2);
  for (const id of ['a', 'b']) await rig.celery.sendTask('test.work', { args: [ledger.path, id, 0, gate.path] });
  await both;
  const before = rig.ticks.length;
  const unknown = rig.nextTick((tick) => tick.decision.nextState.unknownSinceMs !== null);
  await redis.kill();
  await unknown;
  gate.open();
  // The tasks have ended and idle-to-zero has passed by far: only the missing signals hold the replicas.
  await until(() => ledger.counts().ends.size === 2);
  await rig.nextTick((tick) => tick.atMs - (tick.decision.nextState.unknownSinceMs ?? tick.atMs) > 5_000);
  expect(
    rig.ticks
      .slice(before)
      .filter((tick) => tick.decision.to < 2)
      .map((tick) => tick.decision.text),
  ).toEqual([]);
  await redis.restart();
  await rig.nextTick(atZero, 90_000);
  expect(ledger.lost(['a', 'b'])).toEqual([]);
});

it('starts before its broker, falls back meanwhile, and finds it', { timeout: 240_000 }, async () => {
  await using redis = await startRedis({ persistent: true });
  using ledger = createLedger();
  await redis.kill();
  await using rig = await startAutoscaler(redis.url, pools(', fallback: { replicas: 1, after: 2s }'));
  const fallen = await rig.nextTick((tick) => tick.decision.reason === 'fallback' && tick.decision.kind === 'scale');
  expect(fallen.decision).toMatchObject({ from: 0, to: 1 });
  expect(rig.autoscaler.ready).toBe(false);
  await redis.restart();
  await until(() => rig.autoscaler.ready, { timeoutMs: 60_000 });
  await rig.celery.sendTask('test.work', { args: [ledger.path, 'x', 10] });
  await ledger.allEnded(['x'], 60_000);
  await rig.nextTick(atZero);
});
