// A broker that is away: nothing is known, so nothing shrinks; it goes on by itself when the broker is back.

import { Redis } from 'ioredis';
import { expect, it } from 'vitest';
import { startOwnRabbitmq } from '../brokers/rabbitmq.ts';
import { startRedis } from '../brokers/redis.ts';
import { createGate } from '../integration/gate.ts';
import { letTimePass, until } from '../until.ts';
import { eventually, poolOf } from './fleet-checks.ts';
import { type Fleet, startFleet } from './fleet-rig.ts';
import { expectSafe, readiness } from './fleet-safety.ts';

interface Broker {
  readonly url: string;
  kill(): Promise<void>;
  restart(): Promise<void>;
  stop(): Promise<void>;
}

const AWAY_MS = 20_000;
const goal = 'goal: { queueWait: 4s, expectedTaskTime: 1s, expectedStartTime: 3s }';

/** Changes of `spec.replicas` in that time. */
const changed = (fleet: Fleet, pool: string, fromMs: number, toMs: number): readonly number[] =>
  fleet
    .history(pool)
    .filter(({ atMs }) => atMs > fromMs && atMs < toMs)
    .map(({ replicas }) => replicas);

/** The ledger has the end of a task a moment before the broker has its acknowledgement. */
async function untilUnacknowledged(url: string, count: number): Promise<void> {
  const redis = new Redis(url);
  await until(async () => (await redis.hlen('unacked')) === count, { what: `${count} unacknowledged` }).finally(() => redis.disconnect());
}

it.each([
  ['Redis', () => startRedis({ persistent: true })],
  ['RabbitMQ', () => startOwnRabbitmq()],
] as const)('%s away: shrinks nothing, falls back where that is configured, and recovers by itself', async (kind, start) => {
  await using stack = new AsyncDisposableStack();
  const broker: Broker = await start();
  stack.defer(() => broker.stop());
  await using fleet = await startFleet({
    broker: { url: broker.url },
    pools: [
      { name: 'works', slots: 1, scaling: `{ min: 0, max: 3, ${goal}, idleToZero: 2s, downDelay: 1s }` },
      { name: 'idles', slots: 1, scaling: `{ min: 0, max: 3, ${goal}, idleToZero: 15s, downDelay: 15s }` },
      {
        name: 'falls',
        slots: 1,
        scaling: `{ min: 0, max: 3, ${goal}, idleToZero: 2s, downDelay: 1s, fallback: { replicas: 1, after: 4s } }`,
      },
    ],
  });
  const [autoscaler] = fleet.autoscalers;
  if (autoscaler === undefined) throw new Error('no autoscaler');
  const short = await fleet.publish('idles', 2, 500);
  await fleet.ledger.allEnded(short, 90_000);
  using gate = createGate();
  const long = await fleet.publish('works', 2, 0, gate);
  await eventually(fleet, 'the long tasks at work', () => long.every((id) => fleet.ledger.counts().starts.has(id)), { timeoutMs: 60_000 });
  const again = await fleet.publish('idles', 1, 100);
  await fleet.ledger.allEnded(again, 90_000);
  if (kind === 'Redis') await untilUnacknowledged(broker.url, long.length);
  const before = { works: await fleet.wanted('works'), idles: await fleet.wanted('idles'), falls: await fleet.wanted('falls') };
  expect(before.works).toBeGreaterThan(0);
  expect(before.idles).toBeGreaterThan(0);
  expect(before.falls).toBe(0);

  await broker.kill();
  const awayAtMs = Date.now();
  gate.open();
  // The tasks that ran end meanwhile, and every window before a shrink runs out.
  await eventually(fleet, 'the fallback, from zero', async () => (await fleet.wanted('falls')) === 1, { timeoutMs: 60_000 });
  await eventually(fleet, 'the missing signals told', async () => (await readiness(autoscaler)) === 'signals missing', {
    timeoutMs: 60_000,
  });
  await eventually(fleet, 'the missing signal of a queue', async () => /idles/.test((await poolOf(fleet, 'idles')).unknown.join()));
  await letTimePass(AWAY_MS - (Date.now() - awayAtMs), 'the broker is away for this long');
  const backAtMs = Date.now();
  await broker.restart();
  expect(changed(fleet, 'works', awayAtMs, backAtMs)).toEqual([]);
  expect(changed(fleet, 'idles', awayAtMs, backAtMs)).toEqual([]);
  expect(changed(fleet, 'falls', awayAtMs, backAtMs)).toEqual([1]);

  const later = await fleet.publish('works', 3, 300);
  await fleet.ledger.allEnded([...long, ...later], 120_000);
  for (const pool of ['works', 'idles', 'falls']) await fleet.atZero(pool);
  // What ran when the broker went is given to somebody else: at once by RabbitMQ, by Redis once its claim of 15 s has run out. And a
  // RabbitMQ that is killed forgets acknowledgements of a moment before.
  const mayRepeat = kind === 'Redis' ? long : [...long, ...again];
  for (const pool of ['works', 'idles', 'falls']) expectSafe(fleet, pool, [...short, ...long, ...again, ...later], mayRepeat);
});
