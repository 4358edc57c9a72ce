// A broker that is away: nothing is known, so nothing shrinks; it goes on by itself when the broker is back.

import { expect, it } from 'vitest';
import { startOwnRabbitmq } from '../brokers/rabbitmq.ts';
import { startRedis } from '../brokers/redis.ts';
import { letTimePass } from '../until.ts';
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
      { name: 'idles', slots: 1, scaling: `{ min: 0, max: 3, ${goal}, idleToZero: 10s, downDelay: 10s }` },
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
  await fleet.ledger.allEnded(short, 60_000);
  const long = await fleet.publish('works', 2, 10_000);
  await eventually(fleet, 'the long tasks at work', () => long.every((id) => fleet.ledger.counts().starts.has(id)), { timeoutMs: 60_000 });
  const again = await fleet.publish('idles', 1, 100);
  await fleet.ledger.allEnded(again, 30_000);
  const before = { works: await fleet.wanted('works'), idles: await fleet.wanted('idles'), falls: await fleet.wanted('falls') };
  expect(before.works).toBeGreaterThan(0);
  expect(before.idles).toBeGreaterThan(0);
  expect(before.falls).toBe(0);

  await broker.kill();
  const awayAtMs = Date.now();
  // The tasks that ran end meanwhile, and every window before a shrink runs out.
  await eventually(fleet, 'the fallback, from zero', async () => (await fleet.wanted('falls')) === 1);
  await eventually(fleet, 'the missing signals told', async () => (await readiness(autoscaler)) === 'signals missing');
  expect((await poolOf(fleet, 'idles')).unknown.join()).toMatch(/idles/);
  await letTimePass(AWAY_MS - (Date.now() - awayAtMs), 'the broker is away for this long');
  const backAtMs = Date.now();
  await broker.restart();
  expect(changed(fleet, 'works', awayAtMs, backAtMs)).toEqual([]);
  expect(changed(fleet, 'idles', awayAtMs, backAtMs)).toEqual([]);
  expect(changed(fleet, 'falls', awayAtMs, backAtMs)).toEqual([1]);

  const later = await fleet.publish('works', 3, 300);
  await fleet.ledger.allEnded([...long, ...later], 60_000);
  for (const pool of ['works', 'idles', 'falls']) await fleet.atZero(pool);
  // What ran when the broker went is given to somebody else: at once by RabbitMQ, by Redis once its claim of 15 s has run out. And a
  // RabbitMQ that is killed forgets acknowledgements of a moment before.
  const mayRepeat = kind === 'Redis' ? long : [...long, ...again];
  for (const pool of ['works', 'idles', 'falls']) expectSafe(fleet, pool, [...short, ...long, ...again, ...later], mayRepeat);
});
