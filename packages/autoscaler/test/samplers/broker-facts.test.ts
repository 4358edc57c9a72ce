import { silentLogger } from '@celeriac/brokers';
import { expect, it } from 'vitest';
import { createBrokerFacts } from '../../src/samplers/broker-facts.ts';

const soon = () => new Promise((resolve) => setImmediate(resolve));

it('asks behind a look, twice a minute at most, and never while nobody looks', async () => {
  let nowMs = 0;
  let asked = 0;
  const lengths = (queues: readonly string[]) => {
    asked += 1;
    return Promise.resolve(new Map<string, number | Error>([...queues.map((queue) => [queue, asked] as const), ['b', new Error('no')]]));
  };
  const quarantine = { lengths } as never;
  const memoryPolicy = () => Promise.resolve('noeviction');
  const facts = createBrokerFacts({ transport: { quarantine, memoryPolicy }, queues: ['a', 'b'], now: () => nowMs, logger: silentLogger });
  await soon();
  expect(asked).toBe(0);
  expect(facts.look()).toEqual({ quarantined: new Map(), memoryPolicy: null });
  await soon();
  expect(facts.look()).toEqual({ quarantined: new Map([['a', 1]]), memoryPolicy: 'noeviction' });
  nowMs = 29_999;
  facts.look();
  await soon();
  expect(asked).toBe(1);
  nowMs = 30_000;
  facts.look();
  await soon();
  expect(facts.look().quarantined).toEqual(new Map([['a', 2]]));
});

it('knows nothing any more where the broker does not answer, and of a policy where there is none', async () => {
  let nowMs = 0;
  let fails = false;
  const lengths = () => (fails ? Promise.reject(new Error('gone')) : Promise.resolve(new Map([['a', 4]])));
  const facts = createBrokerFacts({
    transport: { quarantine: { lengths } as never },
    queues: ['a'],
    now: () => nowMs,
    logger: silentLogger,
  });
  facts.look();
  await soon();
  expect(facts.look()).toEqual({ quarantined: new Map([['a', 4]]), memoryPolicy: null });
  fails = true;
  nowMs = 60_000;
  facts.look();
  await soon();
  expect(facts.look().quarantined).toEqual(new Map());
});
