// From zero to N and back to zero over real brokers with real workers: nothing lost, nothing killed, nothing run twice.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startRabbitmq } from '../brokers/rabbitmq.ts';
import { startRedis } from '../brokers/redis.ts';
import { createLedger } from '../ledger/ledger.ts';
import { atZero, ourWorker, startAutoscaler } from './autoscaler-rig.ts';
import { createGate } from './gate.ts';

const pools = (max: number): string => `
pools:
  default:
    queues: [celery]
    slotsPerReplica: 2
    scaling:
      max: ${max}
      goal: { queueWait: 2s, expectedTaskTime: 500ms, expectedStartTime: 1s }
      idleToZero: 2s
      downDelay: 2s
    target: { local: { command: ${ourWorker} } }
`;

interface Broker {
  readonly url: string;
  stop(): Promise<void>;
}

const brokers: Readonly<Record<string, () => Promise<Broker>>> = {
  redis: startRedis,
  rabbitmq: async () => {
    const rabbitmq = await startRabbitmq();
    const vhost = await rabbitmq.createVhost();
    return { url: vhost.url, stop: () => rabbitmq.deleteVhost(vhost) };
  },
};

describe.each(Object.entries(brokers))('on %s', (_name, startBroker) => {
  let broker: Broker;
  beforeAll(async () => {
    broker = await startBroker();
  });
  afterAll(() => broker?.stop());

  it('goes 0 -> N -> 0 -> N -> 0 and runs every task exactly once', { timeout: 300_000 }, async () => {
    using ledger = createLedger();
    await using rig = await startAutoscaler(broker.url, pools(3));
    for (const round of ['a', 'b']) {
      await rig.nextTick(atZero);
      using gate = createGate();
      const ids = Array.from({ length: 60 }, (_, index) => `${round}${index}`);
      const grown = rig.nextTick((tick) => tick.decision.evidence.replicas.ready === 3, 90_000);
      for (const id of ids) await rig.celery.sendTask('test.work', { args: [ledger.path, id, 400, gate.path] });
      await grown;
      gate.open();
      await ledger.allEnded(ids, 90_000);
      await rig.nextTick(atZero);
    }
    const { starts, ends } = ledger.counts();
    expect(starts.size).toBe(120);
    expect([...starts.values()].every((times) => times === 1)).toBe(true);
    expect([...ends.values()].every((times) => times === 1)).toBe(true);
    expect(rig.log.filter((line) => /nobody had asked|failed/.test(line))).toEqual([]);
  });

  it('lets a replica go that is idle while another one works on, and never the other', { timeout: 240_000 }, async () => {
    using ledger = createLedger();
    await using rig = await startAutoscaler(broker.url, pools(2));
    const both = rig.nextTick((tick) => tick.decision.evidence.replicas.ready === 2, 90_000);
    using first = createGate();
    using last = createGate();
    const short = Array.from({ length: 12 }, (_, index) => `short${index}`);
    await rig.celery.sendTask('test.work', { args: [ledger.path, 'long', 0, last.path] });
    for (const id of short) await rig.celery.sendTask('test.work', { args: [ledger.path, id, 500, first.path] });
    await both;
    first.open();
    await ledger.allEnded(short, 90_000);
    const one = await rig.nextTick(
      ({ decision }) => decision.evidence.replicas.ready === 1 && decision.evidence.replicas.leaving === 0,
      60_000,
    );
    expect(ledger.lost(['long'])).toEqual(['long']);
    expect(one.decision).toMatchObject({ to: 1 });
    last.open();
    await ledger.allEnded(['long'], 60_000);
    await rig.nextTick(atZero);
    expect(ledger.counts().starts.get('long')).toBe(1);
  });
});
