import { expect, test } from 'vitest';
import { RunTimes } from '../../src/strategy/run-times.ts';

const seen = (...durationsMs: number[]): RunTimes => {
  const times = new RunTimes();
  for (const ms of durationsMs) times.record('tasks.a', ms);
  return times;
};

test('says nothing of a task before it has run a few times', () => {
  expect(new RunTimes().isShort('tasks.a')).toBe(false);
  expect(seen(0.1, 0.1).isShort('tasks.a')).toBe(false);
  expect(seen(0.1, 0.1, 0.1).isShort('tasks.a')).toBe(true);
});

test('one long run ends the shortness for as long as it is remembered', () => {
  const times = seen(1, 1, 1, 1, 400);
  expect(times.isShort('tasks.a')).toBe(false);
  let runs = 0;
  while (!times.isShort('tasks.a')) {
    times.record('tasks.a', 1);
    runs += 1;
    if (runs > 1_000) break;
  }
  expect(runs).toBeGreaterThan(50);
  expect(runs).toBeLessThan(500);
});

test('names do not speak for each other', () => {
  const times = seen(1, 1, 1);
  times.record('tasks.b', 500);
  expect(times.isShort('tasks.a')).toBe(true);
  expect(times.isShort('tasks.b')).toBe(false);
});

test('the mean over all names follows the recent runs and is not drowned by one giant', () => {
  expect(new RunTimes().meanMs).toBeNull();
  const times = seen(...Array.from({ length: 100 }, () => 1));
  times.record('tasks.b', 3_600_000);
  expect(times.meanMs).toBeLessThan(25);
});

test('forgets names that are not registered any more', () => {
  const times = seen(1, 1, 1);
  times.keepOnly(new Set(['tasks.b']));
  expect(times.isShort('tasks.a')).toBe(false);
});
