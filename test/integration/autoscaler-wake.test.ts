// From zero: how long from the publish to the first process, and what a parked task and a dead worker's claims wake.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startRabbitmq } from '../brokers/rabbitmq.ts';
import { startRedis } from '../brokers/redis.ts';
import { createLedger } from '../ledger/ledger.ts';
import { letTimePass } from '../until.ts';
import { atZero, ourWorker, startAutoscaler } from './autoscaler-rig.ts';

interface Broker {
  readonly url: string;
  stop(): Promise<void>;
}

const rabbitmqVhost = async (): Promise<Broker> => {
  const rabbitmq = await startRabbitmq();
  const vhost = await rabbitmq.createVhost();
  return { url: vhost.url, stop: () => rabbitmq.deleteVhost(vhost) };
};

/** Pools of one queue each, so that each gives one start from zero. */
const POOLS = 24;
const manyPools = (command: string): string =>
  [
    'pools:',
    ...Array.from(
      { length: POOLS },
      (_, index) => `  p${index}: { queues: [q${index}], scaling: { max: 1 }, target: { local: { command: ${command} } } }`,
    ),
  ].join('\n');

describe.each<[string, () => Promise<Broker>, number]>([
  ['redis', startRedis, 250],
  ['rabbitmq', rabbitmqVhost, 600],
])('on %s', (_name, startBroker, limitMs) => {
  let broker: Broker;
  beforeAll(async () => {
    broker = await startBroker();
  });
  afterAll(() => broker?.stop());

  it(`starts the first process within ${limitMs} ms of a publish`, { timeout: 60_000 }, async () => {
    // The program does not matter here: what is timed ends when it has been started.
    await using rig = await startAutoscaler(broker.url, manyPools('[sleep, "600"]'));
    for (let index = 0; index < POOLS; index += 1) await rig.transport.queues.declare({ name: `q${index}` });
    await rig.nextTick(() => rig.autoscaler.pools.size === POOLS && rig.autoscaler.ready);
    const tookMs: number[] = [];
    for (let index = 0; index < POOLS; index += 1) {
      await letTimePass(90 + ((index * 37) % 110), 'later than the first turns, and never in step with a look at the queue');
      const grown = rig.nextTick((tick) => tick.pool === `p${index}` && tick.decision.to === 1, 5_000);
      const sentMs = Date.now();
      await rig.celery.sendTask('test.work', { queue: `q${index}` });
      await grown;
      const target = rig.autoscaler.replicas(`p${index}`);
      expect(target).toHaveLength(1);
      tookMs.push((target[0]?.startedAtMs ?? Number.NaN) - sentMs);
    }
    const sorted = tookMs.toSorted((a, b) => a - b);
    console.info(`publish to process: median ${sorted[POOLS / 2]} ms, worst of ${POOLS} ${sorted.at(-1)} ms`);
    expect(sorted.at(-1)).toBeLessThanOrEqual(limitMs);
  });

  it('wakes for a task that was parked when it is due, not before', { timeout: 90_000 }, async () => {
    using ledger = createLedger();
    const pools = `
pools:
  default:
    queues: [celery]
    slotsPerReplica: 2
    scaling: { max: 2, goal: { queueWait: 2s }, idleToZero: 1s, downDelay: 1s }
    target: { local: { command: ${ourWorker} } }
`;
    await using rig = await startAutoscaler(broker.url, pools);
    await rig.nextTick(atZero);
    const up = rig.nextTick((tick) => tick.decision.evidence.replicas.ready === 1);
    const dueMs = Date.now() + 22_000;
    await rig.celery.sendTask('test.work', { args: [ledger.path, 'later', 10], eta: new Date(dueMs) });
    await up;
    await rig.nextTick(atZero, 20_000);
    expect(Date.now()).toBeLessThan(dueMs);
    await rig.nextTick((tick) => tick.decision.to === 1, 30_000);
    await ledger.allEnded(['later'], 20_000);
    expect(ledger.counts().starts.get('later')).toBe(1);
    expect(Date.now()).toBeGreaterThanOrEqual(dueMs);
    await rig.nextTick(atZero, 20_000);
  });
});
