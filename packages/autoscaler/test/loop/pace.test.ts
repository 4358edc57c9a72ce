import { describe, expect, it } from 'vitest';
import { nextTickMs, rhythmOf } from '../../src/loop/pace.ts';

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
    expect(nextTickMs(10_000, { ...rest, ...changes }, { phase: 0, idleMs: 5_000 })).toBe(expected);
  });

  it('keeps to the phase of the pool, but not right behind a turn out of step', () => {
    const rhythm = { phase: 0.25, idleMs: 5_000 };
    expect(nextTickMs(10_020, rest, rhythm)).toBe(230 + 1_000);
    expect(nextTickMs(10_250, rest, rhythm)).toBe(1_000);
    expect(nextTickMs(10_270, rest, rhythm)).toBe(980);
    expect(nextTickMs(10_700, rest, rhythm)).toBe(550);
  });

  it('spreads many pools evenly, and lets those at zero be slower the more there are', () => {
    const phases = Array.from({ length: 1_000 }, (_, index) => rhythmOf(`pool-${index}`, 1_000).phase);
    const counts = Map.groupBy(phases, (phase) => phase);
    expect(counts.size).toBe(20);
    for (const group of counts.values()) expect(group.length).toBeLessThan(100);
    expect([1, 250, 1_000, 5_000].map((pools) => rhythmOf('p', pools).idleMs)).toEqual([5_000, 5_000, 20_000, 30_000]);
  });
});
