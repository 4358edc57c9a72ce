import { contract } from '@celeriac/protocol';
import { describe, expect, test } from 'vitest';
import { publishMany } from '../src/publish-many.ts';
import type { Signature } from '../src/signature.ts';

type AnySignature = Signature<never[], unknown>;

const signature = (index: number): AnySignature => ({ contract: contract('tasks.add'), args: [index], kwargs: {}, options: {} });

/** A broker that answers only when told to. */
function slowBroker() {
  const unanswered: PromiseWithResolvers<void>[] = [];
  return {
    publish: (): Promise<void> => {
      const answer = Promise.withResolvers<void>();
      unanswered.push(answer);
      return answer.promise;
    },
    get unanswered() {
      return unanswered.length;
    },
    answerAll: (): void => {
      for (const answer of unanswered.splice(0)) answer.resolve();
    },
  };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('publishMany', () => {
  test('reads its source only while there is room', async () => {
    const broker = slowBroker();
    let taken = 0;
    function* source(): Generator<AnySignature> {
      for (; taken < 100; taken += 1) yield signature(taken);
    }
    const report = publishMany(source(), broker.publish, { maxInFlight: 10 });
    let rounds = 0;
    while (taken < 100) {
      await turn();
      expect(broker.unanswered).toBeLessThanOrEqual(10);
      broker.answerAll();
      rounds += 1;
    }
    await turn();
    broker.answerAll();
    expect(await report).toEqual({ published: 100, failed: 0, firstError: undefined });
    expect(rounds).toBeGreaterThanOrEqual(10);
  });

  test('resolves only when the last message is answered', async () => {
    const broker = slowBroker();
    let resolved = false;
    const report = publishMany([signature(1), signature(2)], broker.publish).then(() => {
      resolved = true;
    });
    await turn();
    expect([resolved, broker.unanswered]).toEqual([false, 2]);
    broker.answerAll();
    await report;
    expect(resolved).toBe(true);
  });

  test('tells a callback of each failure and goes on', async () => {
    const failures: unknown[] = [];
    const publish = (one: AnySignature): Promise<void> =>
      (one.args[0] as number) % 2 === 0 ? Promise.resolve() : Promise.reject(new Error('odd'));
    const report = await publishMany([1, 2, 3, 4].map(signature), publish, { onError: (error) => failures.push(error) });
    expect(report).toMatchObject({ published: 2, failed: 2 });
    expect(failures).toHaveLength(2);
  });

  test('one at a time is possible', async () => {
    const broker = slowBroker();
    const report = publishMany([1, 2, 3].map(signature), broker.publish, { maxInFlight: 1 });
    for (let index = 0; index < 3; index += 1) {
      await turn();
      expect(broker.unanswered).toBe(1);
      broker.answerAll();
    }
    expect((await report).published).toBe(3);
  });
});
