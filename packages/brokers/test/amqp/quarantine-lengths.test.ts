import { expect, it } from 'vitest';
import { createQuarantineLengths } from '../../src/transports/amqp/quarantine-lengths.ts';

it('asks of what is not there seldom and a few at a time, and of what is there always', async () => {
  let nowMs = 0;
  const there = new Map([['q0.quarantine', 3]]);
  let asked: string[] = [];
  const depth = (name: string): Promise<number | null> => {
    asked.push(name);
    return Promise.resolve(there.get(name) ?? null);
  };
  const lengths = createQuarantineLengths(
    depth,
    (queue) => `${queue}.quarantine`,
    () => nowMs,
  );
  const queues = Array.from({ length: 50 }, (_, index) => `q${index}`);
  const first = await lengths(queues);
  expect(first.size).toBe(20);
  expect([first.get('q0'), first.get('q1'), first.get('q20')]).toEqual([3, 0, undefined]);
  await lengths(queues);
  expect((await lengths(queues)).size).toBe(50);
  asked = [];
  there.set('q7.quarantine', 1);
  there.set('q0.quarantine', 5);
  nowMs = 299_999;
  const before = await lengths(queues);
  expect([before.get('q0'), before.get('q7'), asked]).toEqual([5, 0, ['q0.quarantine']]);
  nowMs = 300_000;
  expect((await lengths(queues)).get('q7')).toBe(1);
  expect(asked.length).toBe(22);
  there.delete('q0.quarantine');
  expect((await lengths(['q0'])).get('q0')).toBe(0);
});

it('tells what went wrong with one, and goes on with the others', async () => {
  const depth = (name: string): Promise<number | null> => (name === 'b' ? Promise.reject(new Error('refused')) : Promise.resolve(1));
  const lengths = createQuarantineLengths(depth, (queue) => queue);
  expect(await lengths(['a', 'b'])).toEqual(
    new Map<string, number | Error>([
      ['a', 1],
      ['b', new Error('refused')],
    ]),
  );
});
