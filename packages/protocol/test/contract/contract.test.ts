import { type Contract, contract } from '@celeriac/protocol';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';

describe('contract', () => {
  test('has the types of its function', () => {
    const add = contract<(x: number, y: number) => number>('tasks.add', { params: ['x', 'y'] });
    expect(add).toEqual({ name: 'tasks.add', params: ['x', 'y'] });
    expect(Object.isFrozen(add) && Object.isFrozen(add.params)).toBe(true);
    expectTypeOf(add).toEqualTypeOf<Contract<[x: number, y: number], Record<string, unknown>, number>>();
    const late = contract<(name: string) => Promise<string>>('tasks.late', { queue: 'slow' });
    expectTypeOf(late).toEqualTypeOf<Contract<[name: string], Record<string, unknown>, string>>();
    expect(late.queue).toBe('slow');
    const large = contract('tasks.large', { resources: { memory: '16Gi', gpu: 1 } });
    expect(large.resources).toEqual({ memory: '16Gi', gpu: 1 });
    expect(Object.isFrozen(large.resources)).toBe(true);
  });

  test('has the types of its schemas, of any library that has the standard interface', () => {
    const args = z.tuple([z.number(), z.string()]);
    const kwargs = z.object({ loud: z.boolean().optional() });
    const result = z.string();
    const say = contract('tasks.say', { args, kwargs, result });
    expectTypeOf(say).toEqualTypeOf<Contract<[number, string], { loud?: boolean | undefined }, string>>();
    expect(say.argsSchema).toBe(args);
  });

  test('without either takes anything', () => {
    expectTypeOf(contract('tasks.any')).toEqualTypeOf<Contract<unknown[], Record<string, unknown>, unknown>>();
  });

  test.each([
    ['an empty name', '', undefined],
    ['a name of 256 characters', 'x'.repeat(256), undefined],
    ['a parameter twice', 't', ['x', 'x?']],
    ['a required parameter after an optional one', 't', ['x?', 'y']],
    ['something after the rest', 't', ['*rest', 'x']],
    ['a name that is none', 't', ['1x']],
    ['options before a plain one', 't', ['**o', 'x']],
  ])('refuses %s', (_what, name, params) => {
    expect(() => contract(name, params === undefined ? {} : { params })).toThrow(/^CELERIAC_E_CONFIG: /);
  });
});
