import type { Delivery } from '@celeriac/brokers';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Attempt, createAttempt } from '../../src/intake/attempt.ts';
import { SUSPECTED_FOR_MS, Suspects } from '../../src/intake/suspects.ts';
import { requestOf } from '../requests.ts';

function attemptOf(id: string, losses: number, options: { readonly acksLate?: boolean; readonly maxDeliveries?: number } = {}): Attempt {
  return createAttempt({ losses } as Partial<Delivery> as Delivery, requestOf({ id }), { name: 'tasks.add', options }, 0);
}
const run = (attempt: Attempt, atMs: number): void => {
  attempt.phase = 'running';
  attempt.startedAtMs = atMs;
};

describe('who may start beside whom', () => {
  test('what has lost nothing starts beside everything', () => {
    const suspects = new Suspects();
    const last = attemptOf('last', 2);
    expect(suspects.admits(last, 0)).toBe(true);
    expect(suspects.admits(attemptOf('fresh', 0), 0)).toBe(true);
    expect(suspects.admits(attemptOf('acked early', 2, { acksLate: false }), 0)).toBe(true);
    expect(suspects.aside).toBe(0);
  });

  test('suspects start beside each other, but not beside one on its last start', () => {
    const suspects = new Suspects();
    const [a, b, last, after] = [attemptOf('a', 1), attemptOf('b', 1), attemptOf('last', 2), attemptOf('after', 1)];
    expect([a, b, last, after].map((attempt) => suspects.admits(attempt, 0))).toEqual([true, true, false, false]);
    a.phase = 'settling';
    expect(suspects.due(0)).toBeUndefined();
    b.phase = 'settling';
    expect(suspects.due(0)).toBe(last);
    expect(suspects.due(0)).toBeUndefined();
    last.phase = 'settling';
    expect(suspects.due(0)).toBe(after);
    expect(suspects.aside).toBe(0);
  });

  test('the last start is the one that maxDeliveries makes it', () => {
    const suspects = new Suspects();
    expect(suspects.admits(attemptOf('a', 1, { maxDeliveries: 2 }), 0)).toBe(true);
    expect(suspects.admits(attemptOf('b', 1, { maxDeliveries: 5 }), 0)).toBe(false);
  });

  test('a run of a minute is not suspected any more, and the wait for it is no longer than that', () => {
    const suspects = new Suspects();
    const [long, next] = [attemptOf('long', 2), attemptOf('next', 2)];
    suspects.admits(long, 0);
    suspects.admits(next, 0);
    expect(suspects.dueAtMs(500)).toBe(500 + SUSPECTED_FOR_MS);
    run(long, 1_000);
    expect(suspects.dueAtMs(2_000)).toBe(1_000 + SUSPECTED_FOR_MS);
    expect(suspects.due(1_000 + SUSPECTED_FOR_MS - 1)).toBeUndefined();
    expect(suspects.due(1_000 + SUSPECTED_FOR_MS)).toBe(next);
    expect(suspects.dueAtMs(0)).toBeNull();
  });

  test('one let through is let through again when it comes back to the line, and frees its place when it will not start here', () => {
    const suspects = new Suspects();
    const [last, next] = [attemptOf('last', 2), attemptOf('next', 2)];
    expect([suspects.admits(last, 0), suspects.admits(last, 0), suspects.admits(next, 0)]).toEqual([true, true, false]);
    suspects.forget(last);
    expect(suspects.due(0)).toBe(next);
  });

  test('what fits is taken out of those aside', () => {
    const suspects = new Suspects();
    const all = ['a', 'b', 'c'].map((id) => attemptOf(id, 2));
    for (const attempt of all) suspects.admits(attempt, 0);
    expect(suspects.remove((attempt) => attempt !== all[1])).toEqual([all[2]]);
    expect(suspects.aside).toBe(1);
  });
});

test('whatever comes and ends: all start, in order among themselves, and none on its last start beside another', () => {
  const losses = fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 30 });
  fc.assert(
    fc.property(losses, fc.array(fc.nat(), { minLength: 1, maxLength: 60 }), (lost, ends) => {
      const suspects = new Suspects();
      const running: Attempt[] = [];
      const order: string[] = [];
      const begin = (attempt: Attempt): void => {
        run(attempt, 0);
        running.push(attempt);
        if (attempt.knownLosses > 0) order.push(attempt.request.id);
        const suspected = running.filter(({ knownLosses }) => knownLosses > 0);
        if (suspected.some(({ knownLosses }) => knownLosses === 2)) expect(suspected).toHaveLength(1);
      };
      const all = lost.map((count, index) => attemptOf(String(index), count));
      for (const attempt of all) if (suspects.admits(attempt, 0)) begin(attempt);
      for (let turn = 0; running.length > 0; turn += 1) {
        const [ended] = running.splice((ends[turn % ends.length] ?? 0) % running.length, 1);
        if (ended !== undefined) ended.phase = 'settling';
        for (let next = suspects.due(0); next !== undefined; next = suspects.due(0)) begin(next);
      }
      expect(order).toEqual(all.filter(({ knownLosses }) => knownLosses > 0).map(({ request }) => request.id));
    }),
  );
});
