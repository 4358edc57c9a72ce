import { describe, expect, it } from 'vitest';
import { type Facts, factsOf } from '../../src/decide/facts.ts';
import { bounds } from '../../src/decide/guards/bounds.ts';
import { budget } from '../../src/decide/guards/budget.ts';
import { busyFloor } from '../../src/decide/guards/busy-floor.ts';
import { deadband } from '../../src/decide/guards/deadband.ts';
import { downDelay } from '../../src/decide/guards/down-delay.ts';
import { fallback } from '../../src/decide/guards/fallback.ts';
import { pending, targetLimit, upStep } from '../../src/decide/guards/growth-limits.ts';
import type { GuardInput } from '../../src/decide/guards/guard.ts';
import { targetHeld } from '../../src/decide/guards/held.ts';
import { idleToZero } from '../../src/decide/guards/idle-to-zero.ts';
import { keepWarm } from '../../src/decide/guards/keep-warm.ts';
import { modeHolds } from '../../src/decide/guards/mode.ts';
import { fixed, forceActive, pauseHolds } from '../../src/decide/guards/orders.ts';
import { unknownHolds } from '../../src/decide/guards/unknown-holds.ts';
import { scheduled } from '../../src/decide/scheduled.ts';
import { noOrders, type Orders, type PoolSeen, type ReplicaSeen } from '../../src/decide/seen.ts';
import type { PoolSpec } from '../../src/decide/spec.ts';
import type { PoolState } from '../../src/decide/state.ts';
import { noGaps } from '../../src/window/gaps.ts';
import { reading } from '../../src/window/sample.ts';
import { NOW, replica, replicas, restedState, seen, spec } from '../pool-fixtures.ts';

/** Five idle replicas, unless changed. */
function input(changes: Partial<Facts> = {}, specChanges: Partial<PoolSpec> = {}, highestReplicas = 0, highestAtMs = NOW): GuardInput {
  const five = replicas(5);
  const facts = factsOf(NOW, spec(specChanges), seen(0, five), restedState(five));
  return { facts: { ...facts, ...changes }, seen: seen(0, five), highest: { atMs: highestAtMs, replicas: highestReplicas }, gaps: noGaps };
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
  it('keeps nothing that was wanted by nobody', () => {
    expect(downDelay(0, input({ unused: true }, {}, 1))).toBeNull();
  });
});

describe('a number that nobody has set', () => {
  const unused = (ready: number | null, one: Partial<ReplicaSeen>, state: Partial<PoolState> = {}, unscaled = true): boolean => {
    const replicas = [replica('r1', one)];
    return factsOf(NOW, spec(), seen(ready, replicas, { unscaled }), restedState(replicas, state)).unused;
  };
  it.each<[string, boolean, () => boolean]>([
    ['no work yet', true, () => unused(0, {})],
    ['still starting', true, () => unused(0, { phase: 'starting', onlineAtMs: null, processed: null })],
    ['somebody has set it', false, () => unused(0, {}, {}, false)],
    ['work waits', false, () => unused(1, {})],
    ['work has waited', false, () => unused(0, {}, { waitingAtMs: NOW - 60_000 })],
    ['work runs', false, () => unused(0, { active: reading(1, NOW) })],
    ['work has run', false, () => unused(0, { processed: 1 })],
    ['whether work waits is unknown', false, () => unused(null, {})],
  ])('%s', (_, expected, is) => {
    expect(is()).toBe(expected);
  });
});

describe('idle-to-zero', () => {
  it.each<[string, number, Partial<Facts>, number | null]>([
    ['long idle and seen twice', 0, { busyAtMs: NOW - 300_000, zeroReadings: 2 }, null],
    ['long idle, seen once', 0, { busyAtMs: NOW - 300_000, zeroReadings: 1 }, 1],
    ['not long enough', 0, { busyAtMs: NOW - 299_999, zeroReadings: 9 }, 1],
    ['not the last one', 1, { busyAtMs: NOW, zeroReadings: 0 }, null],
    ['already at zero', 0, { current: 0, busyAtMs: NOW, zeroReadings: 0 }, null],
    ['wanted by nobody, seen twice', 0, { unused: true, busyAtMs: NOW, zeroReadings: 2 }, null],
    ['wanted by nobody, seen once', 0, { unused: true, busyAtMs: NOW, zeroReadings: 1 }, 1],
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
    const room = { ...growth, pending: 9, untilMs: null };
    expect(targetLimit(9, input({ growth: { ...room, most: 7 } }))).toMatchObject({ to: 7, text: growth.reason });
    expect(targetLimit(9, input({ growth: { ...room, most: 3 } }))).toMatchObject({ to: 5 });
    expect(targetLimit(7, input({ growth: { ...room, most: 7 } }))).toBeNull();
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

/** Five idle replicas of which something is said from outside. */
function told(says: Partial<PoolSeen>, changes: Partial<Facts> = {}, specChanges: Partial<PoolSpec> = {}): GuardInput {
  const plain = input(changes, specChanges);
  return { ...plain, seen: { ...plain.seen, ...says } };
}
const ordered = (orders: Partial<Orders>): Partial<PoolSeen> => ({ orders: { ...noOrders, by: 'jane', ...orders } });

describe('orders', () => {
  it.each<[Orders['pause'], PoolSpec['pause'], number, number | null, string]>([
    ['all', null, 9, 5, 'the pool is paused by jane'],
    ['in', null, 1, 5, 'scaling in is paused by jane'],
    ['in', null, 9, null, ''],
    ['out', null, 9, 5, 'scaling out is paused by jane'],
    ['in', 'out', 9, 5, 'scaling out is paused by the configuration'],
    ['in', 'all', 1, 5, 'scaling in is paused by jane'],
    [null, null, 9, null, ''],
  ])('pause %s with %s in the configuration: %i becomes %s', (pause, configured, to, expected, text) => {
    expect(pauseHolds(to, told(ordered({ pause }), {}, { pause: configured }))).toEqual(
      expected === null ? null : { to: expected, reason: 'paused', text },
    );
  });
  it('a fixed number is taken whatever the bounds, and one by hand before one of the configuration', () => {
    expect(fixed(1, told(ordered({ fixed: 30 }), {}, { max: 20, fixed: 7 }))).toEqual({
      to: 30,
      reason: 'fixed',
      text: 'fixed at 30 by jane',
    });
    expect(fixed(1, told({}, {}, { fixed: 7 }))).toEqual({ to: 7, reason: 'fixed', text: 'fixed at 7 by the configuration' });
    expect(fixed(7, told({}, {}, { fixed: 7 }))).toBeNull();
    expect(fixed(7, told({}))).toBeNull();
  });
  it('a fixed number comes before a pause, as KEDA has it', () => {
    expect(pauseHolds(3, told(ordered({ pause: 'all', fixed: 3 })))).toBeNull();
  });
  it('a pool that counts as active has one at least', () => {
    expect(forceActive(0, told(ordered({ forceActive: true })))).toMatchObject({ to: 1, reason: 'force-active' });
    expect(forceActive(1, told(ordered({ forceActive: true })))).toBeNull();
    expect(forceActive(0, told({}))).toBeNull();
  });
});

describe('schedules', () => {
  const schedule = { min: 2, max: 4, text: 'the schedule a to b UTC', untilMs: NOW + 1 };
  it('replace the bounds while a window is in force, and are named', () => {
    const inForce = told({ schedule }, {}, scheduled(spec({ min: 0, max: 20 }), schedule));
    expect(bounds(0, inForce)).toEqual({ to: 2, reason: 'schedule', text: 'min is 2 by the schedule a to b UTC' });
    expect(bounds(9, inForce)).toEqual({ to: 4, reason: 'schedule', text: 'max is 4 by the schedule a to b UTC' });
  });
  it('leave them where none is', () => {
    const closed = { ...schedule, min: null, max: null };
    expect(scheduled(spec({ max: 20 }), closed)).toEqual(spec({ max: 20 }));
    expect(bounds(99, told({ schedule: closed }))).toMatchObject({ to: 20, reason: 'max' });
  });
});

describe('a budget', () => {
  const grant = { replicas: 2, besides: 0, text: 'budget cluster leaves 2' };
  it.each([
    [9, 0, 2],
    [5, 0, 2],
    [5, 4, 4],
    [2, 0, null],
    [1, 0, null],
  ])('%i with %i busy of 5 becomes %s', (to, busy, expected) => {
    expect(budget(to, told({ grant }, { busy }))?.to ?? null).toBe(expected);
  });
  it('loses what has begun to leave or got stuck since it was reckoned', () => {
    expect(budget(9, told({ grant: { ...grant, replicas: 8 } }, { leaving: 2, stuck: 1 }))?.to).toBe(5);
    expect(budget(9, told({ grant: { ...grant, replicas: 8, besides: 3 } }, { leaving: 2, stuck: 1 }))?.to).toBe(8);
    expect(budget(9, told({ grant: { ...grant, replicas: 8, besides: 3 } }))?.to).toBe(8);
  });
  it('that is not shared changes nothing', () => {
    expect(budget(99, told({}))).toBeNull();
  });
});

describe('a target that is held', () => {
  const hold = 'HorizontalPodAutoscaler app/celery-worker writes its replicas';
  it('is written to in neither direction', () => {
    expect(targetHeld(9, told({ hold }))).toEqual({ to: 5, reason: 'held', text: hold });
    expect(targetHeld(1, told({ hold }))).toEqual({ to: 5, reason: 'held', text: hold });
    expect(targetHeld(5, told({ hold }))).toBeNull();
    expect(targetHeld(9, told({}))).toBeNull();
  });
  it('does not keep a dry run from saying what it would do', () => {
    expect(targetHeld(9, told({ hold }, {}, { mode: 'dry-run' }))).toBeNull();
  });
});

it('a fallback goes no higher than max, which a schedule may have lowered', () => {
  const facts = { unknownSinceMs: NOW - 60_000 };
  expect(fallback(0, input(facts, { max: 2, fallback: { replicas: 3, afterMs: 60_000 } }))?.to).toBe(2);
});

describe('deadband', () => {
  const queues = [{ name: 'celery', ready: 5, waitGoalMs: 10_000, headAgeMs: 5_001 }];
  it.each<[string, number, number, Partial<Facts>, number | null]>([
    ['one more of ten', 10, 11, {}, 10],
    ['one less of ten', 10, 9, {}, 10],
    ['two more of ten', 10, 12, {}, null],
    ['one more of nine', 9, 10, {}, null],
    ['above max', 21, 20, {}, null],
  ])('%s', (_, current, to, facts, expected) => {
    expect(deadband(to, input({ ...facts, current }))?.to ?? null).toBe(expected);
  });
  it('gives way to a task past half of its goal', () => {
    const { facts } = input();
    expect(deadband(11, input({ current: 10, demand: { ...facts.demand, queues } }))).toBeNull();
    expect(deadband(9, input({ current: 10, demand: { ...facts.demand, queues } }))).toMatchObject({ to: 10, reason: 'deadband' });
  });
});

describe('keep-warm', () => {
  const gaps = {
    needed: [
      { atMs: NOW - 10_000, replicas: 3 },
      { atMs: NOW, replicas: 0 },
    ],
    counts: [],
    mean: 0,
    changedAtMs: NOW,
  };
  it('keeps what was needed lately, and says until when', () => {
    const warm = input({}, { keepWarm: 20 });
    // 20 cold starts of a second each; five are there.
    expect(keepWarm(0, { ...warm, gaps })).toMatchObject({ to: 3, reason: 'keep-warm', untilMs: NOW + 10_000 });
    expect(keepWarm(4, { ...warm, gaps })).toBeNull();
    expect(keepWarm(0, { ...input({}, { keepWarm: 5 }), gaps })).toBeNull();
  });
  it('needs to be configured, and never grows', () => {
    expect(keepWarm(0, { ...input(), gaps })).toBeNull();
    expect(keepWarm(2, { ...input({ current: 2 }, { keepWarm: 20 }), gaps })).toBeNull();
  });
});
