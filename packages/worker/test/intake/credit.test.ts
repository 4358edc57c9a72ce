import { describe, expect, test } from 'vitest';
import { creditFor, type Load } from '../../src/intake/credit.ts';

const load = (changes: Partial<Load> = {}): Load => ({
  slots: 4,
  longRunning: 0,
  longRunningAcked: 0,
  holding: 0,
  aside: 0,
  meanRunMs: null,
  closed: false,
  ...changes,
});
/** The credit once it has settled. */
const settled = (given: Load, from = 0): number => {
  let credit = from;
  for (let round = 0; round < 20; round++) credit = creditFor(given, credit);
  return credit;
};

describe('creditFor', () => {
  test('is the slots while nothing is known', () => expect(settled(load())).toBe(4));
  test('is nothing when closed, whatever was before', () => expect(creditFor(load({ closed: true, meanRunMs: 1 }), 500)).toBe(0));
  test('keeps about 100 ms of small tasks ahead', () => expect(settled(load({ meanRunMs: 2 }))).toBe(4 + 128));
  test('never more than a thousand ahead', () => expect(settled(load({ meanRunMs: 0.02 }))).toBe(1_004));
  test('long tasks leave just the slots', () => expect(settled(load({ meanRunMs: 150 }), 1_000)).toBe(4));
  test('slots that are stuck promise nothing', () => expect(settled(load({ meanRunMs: 1, longRunning: 4 }), 1_000)).toBe(4));
  test('fewer quick slots, less ahead', () => expect(settled(load({ meanRunMs: 1, longRunning: 3 }), 404)).toBe(4 + 64));
  test('long tasks acknowledged at their start take a slot and no claim', () => {
    expect(settled(load({ meanRunMs: 1_000, longRunning: 4, longRunningAcked: 4 }))).toBe(0);
  });
  test('claims that hold are on top, in steps', () => {
    expect(settled(load({ holding: 1 }))).toBe(20);
    expect(settled(load({ holding: 16 }))).toBe(20);
    expect(settled(load({ holding: 17 }))).toBe(36);
  });
  test('claims kept aside are on top, one by one, but not a queue full of them', () => {
    expect(settled(load({ aside: 3 }))).toBe(7);
    expect(settled(load({ aside: 3, holding: 1 }))).toBe(23);
    expect(settled(load({ aside: 50 }))).toBe(8);
  });
  test('grows in steps from a first lucky measurement', () => {
    const given = load({ meanRunMs: 0.02 });
    const first = creditFor(load(), 0);
    expect([first, creditFor(given, first), creditFor(given, 16)]).toEqual([4, 16, 64]);
  });
  test('does not flap around a measurement that wobbles', () => {
    let credit = settled(load({ meanRunMs: 1 }));
    const credits: number[] = [];
    for (let round = 0; round < 100; round++) {
      credit = creditFor(load({ meanRunMs: round % 2 === 0 ? 0.75 : 1.3 }), credit);
      credits.push(credit);
    }
    expect(new Set(credits.slice(2)).size).toBe(1);
  });
});
