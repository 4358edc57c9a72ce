import { contract, type StandardSchema } from '@celeriac/protocol';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { bindCall } from '../../src/tasks/bind-call.ts';

test('keyword arguments are bound to parameters', () => {
  const add = contract('tasks.add', { params: ['x', 'y'] });
  expect(bindCall(add, [1], { y: 2 })).toMatchObject({ args: [1, 2] });
  expect(() => bindCall(add, [1], { z: 2 })).toThrow("got an unexpected keyword argument 'z'");
});

test('without parameters they stay what they are', () => {
  expect(bindCall({ name: 'tasks.any' }, [1], { y: 2 })).toEqual({ args: [1], kwargs: { y: 2 } });
});

test('a schema checks what was bound, and its output is what the task gets', () => {
  const scale = contract('tasks.scale', { params: ['x', 'by'], args: z.tuple([z.coerce.number(), z.number().max(10)]) });
  expect(bindCall(scale, ['4'], { by: 3 })).toMatchObject({ args: [4, 3] });
  expect(() => bindCall(scale, [4, 11], {})).toThrow(/^CELERIAC_E_ARGUMENTS: tasks\.scale\(\) args\.1: /);
});

test('a schema of keyword arguments', () => {
  const greet = contract('tasks.greet', { kwargs: z.object({ name: z.string(), loud: z.boolean().default(false) }) });
  expect(bindCall(greet, [], { name: 'Ada' })).toEqual({ args: [], kwargs: { name: 'Ada', loud: false } });
  expect(() => bindCall(greet, [], {})).toThrow(/kwargs\.name: /);
});

test('an asynchronous schema is awaited', async () => {
  const later: StandardSchema<unknown, unknown[]> = {
    '~standard': { version: 1, vendor: 'test', validate: async (value) => ({ value: [...(value as unknown[]), 'checked'] }) },
  };
  await expect(bindCall(contract('tasks.later', { args: later }), [1], {})).resolves.toEqual({ args: [1, 'checked'], kwargs: {} });
  const never: StandardSchema = { '~standard': { version: 1, vendor: 'test', validate: async () => ({ issues: [{ message: 'no' }] }) } };
  await expect(bindCall(contract('tasks.never', { args: never }), [1], {})).rejects.toThrow('tasks.never() args: no');
});
