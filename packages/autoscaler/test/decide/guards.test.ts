import { describe, expect, it } from 'vitest';
import { type Facts, factsOf } from '../../src/decide/facts.ts';
import { bounds } from '../../src/decide/guards/bounds.ts';
import { busyFloor } from '../../src/decide/guards/busy-floor.ts';
import { downDelay } from '../../src/decide/guards/down-delay.ts';
import { fallback } from '../../src/decide/guards/fallback.ts';
import { pending, targetLimit, upStep } from '../../src/decide/guards/growth-limits.ts';
import type { GuardInput } from '../../src/decide/guards/guard.ts';
import { idleToZero } from '../../src/decide/guards/idle-to-zero.ts';
import { modeHolds, pauseHolds } from '../../src/decide/guards/mode-and-pause.ts';
import { unknownHolds } from '../../src/decide/guards/unknown-holds.ts';
import type { PoolSpec } from '../../src/decide/spec.ts';
import { NOW, replicas, restedState, seen, spec } from '../pool-fixtures.ts';

/** Five idle replicas, unless changed. */
function input(changes: Partial<Facts> = {}, specChanges: Partial<PoolSpec> = {}, highestReplicas = 0, highestAtMs = NOW): GuardInput {
  const five = replicas(5);
  const facts = factsOf(NOW, spec(specChanges), seen(0, five), restedState(five));
  return { facts: { ...facts, ...changes }, highest: { atMs: highestAtMs, replicas: highestReplicas } };
}

describe('bounds', () => {
  it.each([
    [0, 2],
    [2, null],
    [6, null],
    [7, 6],
  ])('%i with min 2 and max 6 becomes %s', (to, expected) => {
    expect(bounds(to, input({}, { min: 2, max: 6 }))?.to ?? null).toBe(expected);
  });
});

describe('fallback', () => {
  const spec2 = { fallback: { replicas: 3, afterMs: 60_000 } };
  it.each<[string, Partial<Facts>, number, number | null]>([
    ['signals there', { unknownSinceMs: null }, 0, null],
    ['missing, not long enough', { unknownSinceMs: NOW - 59_999 }, 0, null],
    ['missing for long', { unknownSinceMs: NOW - 60_000 }, 0, 3],
    ['missing for long, more wanted anyway', { unknownSinceMs: NOW - 60_000 }, 4, null],
  ])('%s', (_, facts, to, expected) => {
    expect(fallback(to, input(facts, spec2))?.to ?? null).toBe(expected);
  });
  it('needs to be configured', () => {
    expect(fallback(0, input({ unknownSinceMs: 0 }))).toBeNull();
  });
});

describe('down-delay', () => {
  it('goes no lower than the highest wish of the window, nor above the present number', () => {
    expect(downDelay(1, input({}, {}, 3, NOW - 20_000))).toMatchObject({ to: 3, untilMs: NOW + 100_000 });
    expect(downDelay(1, input({}, {}, 9))).toMatchObject({ to: 5 });
  });
  it('lets growth and an old window pass', () => {
    expect(downDelay(7, input({}, {}, 9))).toBeNull();
    expect(downDelay(1, input({}, {}, 1))).toBeNull();
  });
});

describe('idle-to-zero', () => {
  it.each<[string, number, Partial<Facts>, number | null]>([
    ['long idle and seen twice', 0, { busyAtMs: NOW - 300_000, zeroReadings: 2 }, null],
    ['long idle, seen once', 0, { busyAtMs: NOW - 300_000, zeroReadings: 1 }, 1],
    ['not long enough', 0, { busyAtMs: NOW - 299_999, zeroReadings: 9 }, 1],
    ['not the last one', 1, { busyAtMs: NOW, zeroReadings: 0 }, null],
    ['already at zero', 0, { current: 0, busyAtMs: NOW, zeroReadings: 0 }, null],
  ])('%s', (_, to, facts, expected) => {
    expect(idleToZero(to, input(facts))?.to ?? null).toBe(expected);
  });
});

describe('unknown signals', () => {
  it('hold a shrink and nothing else', () => {
    const facts = { unknown: ['depth of queue celery unknown'], unknownSinceMs: NOW };
    expect(unknownHolds(1, input(facts))).toMatchObject({ to: 5, reason: 'unknown' });
    expect(unknownHolds(5, input(facts))).toBeNull();
    expect(unknownHolds(9, input(facts))).toBeNull();
  });
  it('have silent workers asked before a shrink', () => {
    expect(unknownHolds(1, input({ mustAsk: ['r1@host'] }))).toMatchObject({ to: 5, ask: ['r1@host'] });
    expect(unknownHolds(6, input({ mustAsk: ['r1@host'] }))).toBeNull();
  });
});

describe('busy floor', () => {
  it.each([
    [0, 2, 2],
    [2, 2, null],
    [4, 5, 5],
    [0, 9, 5],
  ])('%i with %i busy of 5 becomes %s', (to, busy, expected) => {
    expect(busyFloor(to, input({ busy }))?.to ?? null).toBe(expected);
  });
});

describe('growth limits', () => {
  it('up-step', () => {
    expect(upStep(9, input({}, { maxUpStep: 3 }))?.to).toBe(8);
    expect(upStep(8, input({}, { maxUpStep: 3 }))).toBeNull();
    expect(upStep(99, input())).toBeNull();
  });
  it('pending counts what is starting already', () => {
    expect(pending(9, input({ starting: 2 }, { maxPending: 3 }))?.to).toBe(6);
    expect(pending(9, input({ starting: 4 }, { maxPending: 3 }))?.to).toBe(5);
    expect(pending(4, input({ starting: 4 }, { maxPending: 3 }))).toBeNull();
  });
  it('the target says when to try again', () => {
    const growth = { kind: 'limited', pending: 0, reason: 'replicas ended 3 times in a row', untilMs: NOW + 4_000 } as const;
    expect(targetLimit(9, input({ growth }))).toMatchObject({ to: 5, untilMs: NOW + 4_000, text: growth.reason });
    expect(targetLimit(9, input({ growth: { ...growth, pending: 1, untilMs: null } }))).toMatchObject({ to: 6 });
    expect(targetLimit(2, input({ growth }))).toBeNull();
  });
});

describe('mode and pause', () => {
  it.each<[PoolSpec['mode'], number, number | null]>([
    ['off', 9, 5],
    ['off', 1, 5],
    ['up-only', 9, null],
    ['up-only', 1, 5],
    ['on', 1, null],
    ['dry-run', 1, null],
  ])('%s: %i becomes %s', (mode, to, expected) => {
    expect(modeHolds(to, input({}, { mode }))?.to ?? null).toBe(expected);
  });
  it.each<[PoolSpec['pause'], number, number | null]>([
    ['all', 9, 5],
    ['all', 1, 5],
    ['in', 1, 5],
    ['in', 9, null],
    ['out', 9, 5],
    ['out', 1, null],
    [null, 1, null],
  ])('pause %s: %i becomes %s', (pause, to, expected) => {
    expect(pauseHolds(to, input({}, { pause }))?.to ?? null).toBe(expected);
  });
});
