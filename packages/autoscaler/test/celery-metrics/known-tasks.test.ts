import { describe, expect, it } from 'vitest';
import { createGenerations } from '../../src/celery-metrics/generations.ts';
import { createKnownTasks } from '../../src/celery-metrics/known-tasks.ts';

const HOST = 'w@pod-1';

describe('known tasks', () => {
  it('keep those under way longer than those that ended', () => {
    const tasks = createKnownTasks(1_000);
    tasks.after('task-received', { type: 'task-received', uuid: 'long', name: 'long', hostname: HOST });
    for (let i = 0; i < 400; i += 1) {
      tasks.after('task-received', { type: 'task-received', uuid: `${i}`, name: 'short', hostname: HOST });
      tasks.after('task-succeeded', { type: 'task-succeeded', uuid: `${i}`, hostname: HOST });
    }
    const started = tasks.after('task-started', { type: 'task-started', uuid: 'long', hostname: HOST });
    expect(started?.name).toBe('long');
    expect(tasks.size).toBeLessThanOrEqual(101);
    expect(tasks.after('task-sent', { type: 'task-sent', uuid: '399', hostname: 'c@web', queue: 'q' })?.name).toBe('short');
    expect(tasks.after('task-sent', { type: 'task-sent', uuid: '0', hostname: 'c@web', queue: 'q' })?.name).toBeNull();
  });

  it('never are more than may be', () => {
    const tasks = createKnownTasks(1_000);
    for (let i = 0; i < 10_000; i += 1) tasks.after('task-sent', { type: 'task-sent', uuid: `${i}`, name: 'a', hostname: 'c@web' });
    expect(tasks.size).toBeLessThanOrEqual(1_000);
  });
});

it('a map of generations keeps what is asked for', () => {
  const map = createGenerations<number>(10);
  map.set('kept', 1);
  for (let i = 0; i < 100; i += 1) {
    map.set(`${i}`, i);
    expect(map.get('kept')).toBe(1);
    expect(map.size).toBeLessThanOrEqual(11);
  }
  expect(map.get('50')).toBeUndefined();
  expect([map.delete('kept'), map.delete('kept'), map.get('kept')]).toEqual([true, false, undefined]);
});
