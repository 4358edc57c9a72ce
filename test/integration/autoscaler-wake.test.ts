// From zero: how long from the publish to the first process, and what a parked task and a dead worker's claims wake.

import type { Transport } from '@celeriac/brokers';
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

/** Publish (two), notice, look, a turn that is under way, the next turn's look, its decision and the start, one behind the other. */
const STEPS = 8;

/** Until it is called: how long the slowest of short waits took, each with a question to the broker, beyond what it waits for. */
function slowestStep(transport: Transport): () => Promise<number> {
  let slowestMs = 0;
  let ended = false;
  const looking = (async () => {
    while (!ended) {
      const startedMs = performance.now();
      await letTimePass(10, 'how late a timer is tells how busy the machine is');
      await transport.queues.depth('q0');
      slowestMs = Math.max(slowestMs, performance.now() - startedMs - 10);
    }
  })();
  return async () => {
    ended = true;
    await looking;
    return slowestMs;
  };
}

describe.each<[string, () => Promise<Broker>, number]>([
  ['redis', startRedis, 250],
  ['rabbitmq', rabbitmqVhost, 600],
])('on %s', (_name, startBroker, limitMs) => {
  let broker: Broker;
  beforeAll(async () => {
    broker = await startBroker();
  });
  afterAll(() => broker?.stop());

  it(`starts the first process within ${limitMs} ms of a publish`, { timeout: 180_000 }, async () => {
    // The program does not matter here: what is timed ends when it has been started.
    await using rig = await startAutoscaler(broker.url, manyPools('[sleep, "600"]'));
    for (let index = 0; index < POOLS; index += 1) await rig.transport.queues.declare({ name: `q${index}` });
    await rig.nextTick(() => rig.autoscaler.pools.size === POOLS && rig.autoscaler.ready);
    const tookMs: number[] = [];
    const overMs: number[] = [];
    for (let index = 0; index < POOLS; index += 1) {
      await letTimePass(90 + ((index * 37) % 110), 'later than the first turns, and never in step with a look at the queue');
      const grown = rig.nextTick((tick) => tick.pool === `p${index}` && tick.decision.to === 1);
      const slowestMs = slowestStep(rig.transport);
      const sentMs = Date.now();
      await rig.celery.sendTask('test.work', { queue: `q${index}` });
      await grown;
      const stepMs = await slowestMs();
      const target = rig.autoscaler.replicas(`p${index}`);
      expect(target).toHaveLength(1);
      const took = (target[0]?.startedAtMs ?? Number.NaN) - sentMs;
      tookMs.push(took);
      overMs.push(took - STEPS * stepMs);
    }
    const sorted = tookMs.toSorted((a, b) => a - b);
    // What the machine itself is late by at each step is not ours.
    const ours = Math.round(Math.max(...overMs));
    console.info(`publish to process: median ${sorted[POOLS / 2]} ms, worst of ${POOLS} ${sorted.at(-1)} ms, of them ours ${ours} ms`);
    expect(ours).toBeLessThanOrEqual(limitMs);
  });

  it('wakes for a task that was parked when it is due, not before', { timeout: 300_000 }, async () => {
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
    // How long it takes here from zero to zero.
    const beganMs = Date.now();
    await rig.celery.sendTask('test.work', { args: [ledger.path, 'first', 10] });
    await ledger.allEnded(['first'], 60_000);
    await rig.nextTick(atZero);
    const thereAndBackMs = Date.now() - beganMs;
    const up = rig.nextTick((tick) => tick.decision.evidence.replicas.ready === 1);
    const dueMs = Date.now() + 10_000 + 2 * thereAndBackMs;
    await rig.celery.sendTask('test.work', { args: [ledger.path, 'later', 10], eta: new Date(dueMs) });
    await up;
    await rig.nextTick(atZero);
    expect(Date.now()).toBeLessThan(dueMs);
    await rig.nextTick((tick) => tick.decision.to === 1, 120_000);
    await ledger.allEnded(['later'], 60_000);
    expect(ledger.counts().starts.get('later')).toBe(1);
    expect(Date.now()).toBeGreaterThanOrEqual(dueMs);
    await rig.nextTick(atZero);
  });
});
