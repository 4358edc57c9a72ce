import { describe, expect, it } from 'vitest';
import { nextTickMs } from '../../src/loop/pace.ts';

const rest = { atZero: false, armed: false, grewAtMs: Number.NEGATIVE_INFINITY, wakeAtMs: null };

describe('the pace of a loop', () => {
  it.each<[string, object, number]>([
    ['one turn a second', {}, 1_000],
    ['five seconds at zero with a watch', { atZero: true, armed: true }, 5_000],
    ['a second at zero without one', { atZero: true }, 1_000],
    ['fast while a burst arrives', { atZero: true, armed: true, grewAtMs: 9_600 }, 50],
    ['when the clock changes the decision', { atZero: true, armed: true, wakeAtMs: 10_300 }, 300],
    ['never at once again', { wakeAtMs: 9_000 }, 1],
  ])('%s', (_, changes, expected) => {
    expect(nextTickMs(10_000, { ...rest, ...changes })).toBe(expected);
  });
});
