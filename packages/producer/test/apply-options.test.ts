import { describe, expect, test } from 'vitest';
import { toTaskCall } from '../src/apply-options.ts';

const target = { name: 'tasks.add', args: [1, 2], kwargs: {} };
const at = { nowMs: 1_000_000, newId: 'new-id', origin: 'gen1@here' };

describe('toTaskCall', () => {
  test('takes the id handed in unless the caller states one', () => {
    expect(toTaskCall(target, {}, at).taskId).toBe('new-id');
    expect(toTaskCall(target, { taskId: 'mine' }, at).taskId).toBe('mine');
  });

  test('countdown and expires are seconds from now', () => {
    const call = toTaskCall(target, { countdown: 2.5, expires: 60 }, at);
    expect(call.eta).toEqual(new Date(1_002_500));
    expect(call.expires).toEqual(new Date(1_060_000));
  });

  test.each([
    ['countdown and eta together', { countdown: 1, eta: new Date() }, /not both/],
    ['a negative time limit', { timeLimit: -1 }, /timeLimit/],
    ['a soft limit over the hard one', { timeLimit: 1, softTimeLimit: 2 }, /longer than/],
    ['a time that is no number', { countdown: Number.NaN }, /countdown/],
    ['an empty id', { taskId: '' }, /1 to 255/],
    ['an id too long', { taskId: 'x'.repeat(256) }, /256/],
  ])('refuses %s', (_what, options, complaint) => {
    expect(() => toTaskCall(target, options, at)).toThrow(complaint);
  });
});
