import { contract } from '@celeriac/protocol';
import { expect, expectTypeOf, test } from 'vitest';
import { defineTask } from '../../src/tasks/define-task.ts';
import { TaskRegistry } from '../../src/tasks/registry.ts';
import { isTask, type Task } from '../../src/tasks/task.ts';
import { Ignore, Reject, Retry, SoftTimeLimitExceeded, taskErrorKind } from '../../src/tasks/task-errors.ts';

const add = contract<(x: number, y: number) => number>('tasks.add', { params: ['x', 'y'] });

test('a task takes its types from its contract', () => {
  const task = defineTask(add, { maxRetries: 7 }, (_ctx, x, y) => {
    expectTypeOf(x).toEqualTypeOf<number>();
    return x + y;
  });
  expectTypeOf(task).toEqualTypeOf<Task<[x: number, y: number], number>>();
  expect(task).toMatchObject({ name: 'tasks.add', options: { maxRetries: 7 }, contract: { params: ['x', 'y'] } });
});

test('a task given by name takes its types from its function, and options may be left out', () => {
  const task = defineTask('tasks.hello', async (_ctx, name: string) => `hello ${name}`);
  expectTypeOf(task.run).parameter(1).toEqualTypeOf<string>();
  expect(task).toMatchObject({ name: 'tasks.hello', options: {}, contract: { name: 'tasks.hello' } });
  expect(isTask(task)).toBe(true);
});

test.each([undefined, null, 5, {}, { name: 'x', run() {} }, () => 1])('%s is not a task', (value) => {
  expect(isTask(value)).toBe(false);
});

test('a task needs a name and a function', () => {
  expect(() => defineTask('', () => 1)).toThrow('CELERIAC_E_CONFIG');
  expect(() => defineTask('tasks.x', {} as never)).toThrow('"tasks.x"');
});

test('a task has the needs of its contract, and over them its own; what cannot be read is refused', () => {
  const needy = contract<() => void>('tasks.needy', { resources: { cpu: 1, memory: '1Gi', labels: { zone: 'a' } } });
  const run = (): void => {};
  expect(defineTask(needy, run).options.resources).toEqual(needy.resources);
  expect(defineTask(needy, { resources: { memory: '2Gi', cpu: null } }, run).options.resources).toEqual({
    cpu: null,
    memory: '2Gi',
    labels: { zone: 'a' },
  });
  expect(() => defineTask('tasks.x', { resources: { memory: '4GB' } }, run)).toThrow(
    'CELERIAC_E_CONFIG: resources of defineTask("tasks.x"): memory: "4GB" is not a quantity; write 4G',
  );
});

test('two tasks of one name are an error that names both places; one task exported twice is one', () => {
  const registry = new TaskRegistry();
  const first = defineTask('tasks.twice', () => 1);
  expect(registry.addModule({ first, alias: first, other: 5 }, 'a.ts')).toBe(2);
  expect(() => registry.addModule({ again: defineTask('tasks.twice', () => 2) }, 'b.ts')).toThrow(
    'CELERIAC_E_DUPLICATE_TASK: two tasks are named "tasks.twice": export first of a.ts and export again of b.ts',
  );
  expect(registry.manifest()).toEqual({ tasks: [{ name: 'tasks.twice', options: {} }] });
  expect(registry.get('constructor')).toBeUndefined();
});

test('what a task throws to say something is told apart from what went wrong', () => {
  expect(taskErrorKind(new Retry({ countdown: 1 }))).toBe('retry');
  expect(taskErrorKind(new Ignore())).toBe('ignore');
  expect(taskErrorKind(new Reject('no'))).toBe('reject');
  expect(taskErrorKind(new SoftTimeLimitExceeded(2))).toBe('soft-time-limit');
  expect(taskErrorKind(new Error('Retry'))).toBeUndefined();
  expect(taskErrorKind('Retry')).toBeUndefined();
});

test('a contract with an optional argument gives the function its types', async () => {
  const greet = contract<(name: string, times?: number) => string | null>('greet', { params: ['name', 'times?'] });
  const task = defineTask(greet, (_ctx, name, times) => (times === undefined ? name : name.repeat(times)));
  expect(await task.run({} as never, 'a')).toBe('a');
  expect(await task.run({} as never, 'a', 2)).toBe('aa');
  defineTask(greet, { acksLate: false }, async (_ctx, name) => name);
  // @ts-expect-error the result is a text or null
  defineTask(greet, () => 3);
  // @ts-expect-error it may be absent
  defineTask(greet, (_ctx, name, times) => name + times.toFixed());
});
