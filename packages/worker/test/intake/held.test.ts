import type { Delivery } from '@celeriac/brokers';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Attempt, createAttempt } from '../../src/intake/attempt.ts';
import { Held } from '../../src/intake/held.ts';
import { requestOf } from '../requests.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());
const attemptOf = (id: string): Attempt => createAttempt({} as Delivery, requestOf({ id }), { name: 'tasks.add', options: {} }, 0);

test('hands over what is due, in order, and nothing before its time', async () => {
  const due: string[] = [];
  const held = new Held({ now: Date.now, onDue: (attempts) => due.push(...attempts.map(({ request }) => request.id)) });
  const start = Date.now();
  for (const [id, ms] of [
    ['c', 300],
    ['a', 100],
    ['b', 100.4],
    ['d', 2_000],
  ] as const)
    held.add(attemptOf(id), start + ms);
  expect(held.attempts.map(({ request }) => request.id)).toEqual(['a', 'b', 'c', 'd']);
  await vi.advanceTimersByTimeAsync(99);
  expect(due).toEqual([]);
  await vi.advanceTimersByTimeAsync(2);
  expect(due).toEqual(['a', 'b']);
  expect(held.remove(({ request }) => request.id === 'c')).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(due).toEqual(['a', 'b', 'd']);
  expect(vi.getTimerCount()).toBe(0);
});
