// What people, schedules, budgets and other writers say, through the whole of a decision.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide } from '../../src/decide/decide.ts';
import type { Decision } from '../../src/decide/decision.ts';
import { noOrders, type Orders, type PoolSeen, type ReplicaSeen } from '../../src/decide/seen.ts';
import type { PoolSpec } from '../../src/decide/spec.ts';
import { reading, unavailable } from '../../src/window/sample.ts';
import { NOW, replicas, restedState, seen, spec } from '../pool-fixtures.ts';

/** Nobody rests: a busy window and no idle time yet. */
function decided(waiting: number | null, has: readonly ReplicaSeen[], says: Partial<PoolSeen>, changes: Partial<PoolSpec> = {}): Decision {
  const state = restedState(has, { wishes: [{ atMs: NOW - 1_000, replicas: 9 }], busyAtMs: NOW - 1_000 });
  return decide(NOW, spec(changes), seen(waiting, has, says), state);
}
const ordered = (orders: Partial<Orders>): Partial<PoolSeen> => ({ orders: { ...noOrders, by: 'jane', ...orders } });
const busy = { active: reading(1, NOW) };

describe('a fixed number', () => {
  it('knows neither min nor max, neither down-delay nor idle time', () => {
    expect(decided(0, replicas(5), ordered({ fixed: 0 }), { min: 2 })).toMatchObject({ kind: 'scale', to: 0, reason: 'fixed' });
    expect(decided(0, [], ordered({ fixed: 30 }), { max: 4 })).toMatchObject({ to: 30, reason: 'fixed' });
    expect(decided(0, replicas(3), {}, { fixed: 3 })).toMatchObject({ kind: 'hold', to: 3 });
  });
  it('takes nothing that works, and nothing while signals are missing; it grows without them', () => {
    const two = [...replicas(2, busy), ...replicas(3).map((one) => ({ ...one, id: `idle-${one.id}`, nodename: `idle-${one.id}@host` }))];
    expect(decided(0, two, ordered({ fixed: 1 }))).toMatchObject({ to: 2, reason: 'busy' });
    expect(decided(null, replicas(5), ordered({ fixed: 1 }))).toMatchObject({ to: 5, reason: 'unknown' });
    expect(decided(null, replicas(5), ordered({ fixed: 9 }))).toMatchObject({ to: 9, reason: 'fixed' });
  });
  it('comes before a pause, behind a mode, a hold and a budget', () => {
    expect(decided(0, replicas(5), ordered({ fixed: 2, pause: 'all' }))).toMatchObject({ to: 2, reason: 'fixed' });
    expect(decided(0, replicas(5), ordered({ fixed: 2 }), { mode: 'off' })).toMatchObject({ to: 5, reason: 'off' });
    expect(decided(0, replicas(5), ordered({ fixed: 2 }), { mode: 'up-only' })).toMatchObject({ to: 5, reason: 'up-only' });
    expect(decided(0, replicas(5), { ...ordered({ fixed: 2 }), hold: 'HPA' })).toMatchObject({ to: 5, reason: 'held' });
    expect(decided(0, replicas(5), { ...ordered({ fixed: 9 }), grant: { replicas: 7, besides: 0, text: 'b' } })).toMatchObject({
      to: 7,
      reason: 'budget',
    });
  });
});

describe('a pause', () => {
  it('holds against work, min and fallback too', () => {
    expect(decided(999, [], ordered({ pause: 'all' }))).toMatchObject({ to: 0, reason: 'paused' });
    expect(decided(0, [], ordered({ pause: 'out' }), { min: 3 })).toMatchObject({ to: 0, reason: 'paused' });
    expect(decided(0, [], ordered({ pause: 'in' }), { min: 3 })).toMatchObject({ to: 3, reason: 'min' });
  });
});

describe('a schedule', () => {
  const schedule = { min: 4, max: 6, text: 'the schedule', untilMs: NOW + 60_000 };
  it('replaces the bounds, at zero too, and wakes the pool when it ends', () => {
    expect(decided(0, [], { schedule })).toMatchObject({ to: 4, reason: 'schedule', wakeAtMs: NOW + 60_000 });
    expect(decided(999, [], { schedule })).toMatchObject({ to: 6, reason: 'schedule' });
  });
  it('wakes the pool when the next window begins', () => {
    const closed = { min: null, max: null, text: '', untilMs: NOW + 5_000 };
    expect(decided(0, [], { schedule: closed })).toMatchObject({ to: 0, wakeAtMs: NOW + 5_000 });
  });
  it('that lowers max takes nothing that works', () => {
    expect(decided(0, replicas(5, busy), { schedule: { ...schedule, min: 0, max: 1 } })).toMatchObject({ to: 5 });
  });
});

describe('a budget', () => {
  it('cuts at once, down to what works', () => {
    const grant = { replicas: 1, besides: 0, text: 'budget b' };
    expect(decided(0, replicas(5), { grant })).toMatchObject({ to: 1, reason: 'budget' });
    expect(decided(0, replicas(5, busy), { grant })).toMatchObject({ to: 5 });
    expect(decided(null, replicas(5), { grant })).toMatchObject({ to: 5, reason: 'unknown' });
  });
  it('is asked for what would run alone, kept for a while, and cannot be taken', () => {
    expect(decided(0, replicas(5), {}).budgetAsk).toEqual({ wish: 0, keep: 5, floor: 0 });
    expect(decided(0, replicas(5), {}, { min: 2 }).budgetAsk).toEqual({ wish: 2, keep: 5, floor: 2 });
    expect(decided(999, replicas(5, busy), {}).budgetAsk).toEqual({ wish: 20, keep: 20, floor: 5 });
    expect(decided(0, replicas(5), ordered({ fixed: 8 })).budgetAsk).toEqual({ wish: 8, keep: 8, floor: 0 });
  });
  it('is not asked for what the target would not take on', () => {
    const growth = { kind: 'limited', pending: 1, reason: 'quota is used up', untilMs: null } as const;
    expect(decided(999, replicas(5), { growth }).budgetAsk).toEqual({ wish: 6, keep: 6, floor: 0 });
    expect(decided(0, replicas(5), { growth }).budgetAsk).toEqual({ wish: 0, keep: 5, floor: 0 });
  });
  it('is asked for what is there where that may not change', () => {
    const still = { wish: 5, keep: 5, floor: 5 };
    expect(decided(999, replicas(5), ordered({ pause: 'all' })).budgetAsk).toEqual(still);
    expect(decided(0, replicas(5), { hold: 'HPA' }).budgetAsk).toEqual(still);
    expect(decided(0, replicas(5), {}, { mode: 'off' }).budgetAsk).toEqual(still);
    expect(decided(0, replicas(5), ordered({ pause: 'in' })).budgetAsk).toEqual(still);
    expect(decided(0, replicas(5), ordered({ pause: 'out' })).budgetAsk).toMatchObject({ wish: 0, floor: 0 });
    expect(decided(null, replicas(5), {}).budgetAsk).toMatchObject({ floor: 5 });
  });
});

describe('whatever is said', () => {
  const count = fc.integer({ min: 0, max: 12 });
  const pause = fc.constantFrom(null, 'all', 'in', 'out');
  const says = fc.record({
    orders: fc.record({ pause, fixed: fc.option(count), forceActive: fc.boolean(), by: fc.constant('jane') }),
    schedule: fc.option(
      fc
        .record({ low: count, more: count, untilMs: fc.option(fc.integer({ min: NOW + 1, max: NOW + 1_000_000 })) })
        .map(({ low, more, untilMs }) => {
          return { min: low, max: low + more, text: 'the schedule', untilMs };
        }),
    ),
    grant: fc.option(count.map((granted) => ({ replicas: granted, besides: 0, text: 'budget b' }))),
    hold: fc.option(fc.constant('HPA')),
  });
  const kinds = fc.array(fc.constantFrom('idle', 'busy', 'silent', 'starting', 'leaving', 'stuck'), { maxLength: 10 });
  const fleet = kinds.map((all) =>
    all.map((kind, index): ReplicaSeen => {
      const [one] = replicas(1);
      if (one === undefined) throw new Error('none');
      const named = { ...one, id: `r${index}`, nodename: `r${index}@host` };
      if (kind === 'busy') return { ...named, ...busy };
      if (kind === 'silent')
        return {
          ...named,
          active: unavailable('silent', NOW),
          reserved: unavailable('silent', NOW),
          scheduled: unavailable('silent', NOW),
        };
      return kind === 'idle' ? named : { ...named, phase: kind, onlineAtMs: null };
    }),
  );
  const cases = fc.record({
    says,
    fleet,
    waiting: fc.option(fc.integer({ min: 0, max: 400 })),
    mode: fc.constantFrom('on', 'off', 'dry-run', 'up-only'),
    configured: pause,
    fixed: fc.option(count),
    min: fc.integer({ min: 0, max: 4 }),
  });
  const all = (
    check: (
      decision: Decision,
      given: {
        readonly working: number;
        readonly says: Partial<PoolSeen>;
        readonly spec: PoolSpec;
        readonly waiting: number | null;
        readonly fleet: readonly ReplicaSeen[];
      },
    ) => void,
  ): void =>
    fc.assert(
      fc.property(cases, (given) => {
        const changes = { mode: given.mode, pause: given.configured, fixed: given.fixed, min: given.min };
        const working = given.fleet.filter(
          (one) => one.phase === 'ready' && !(one.active.kind === 'reading' && one.active.value === 0),
        ).length;
        check(decided(given.waiting, given.fleet, given.says, changes), { ...given, working, spec: spec(changes) });
      }),
    );

  it('what works, and what cannot be heard, is never taken', () => {
    all((decision, { working }) => expect(decision.to).toBeGreaterThanOrEqual(Math.min(working, decision.from)));
  });
  it('nothing shrinks while a signal is missing', () => {
    all((decision, { waiting }) => {
      if (waiting === null) expect(decision.to).toBeGreaterThanOrEqual(decision.from);
    });
  });
  it('a held target is not written to', () => {
    all((decision, { says: said, spec: { mode } }) => {
      if (said.hold !== null && mode !== 'dry-run') expect(decision).toMatchObject({ kind: 'hold', to: decision.from });
    });
  });
  it('a paused pool does not move, unless its number is fixed', () => {
    all((decision, { says: said, spec: { fixed } }) => {
      if (said.orders?.pause === 'all' && said.orders.fixed === null && fixed === null) expect(decision.kind).toBe('hold');
    });
  });
  it('nothing grows above what a budget grants', () => {
    all((decision, { says: said }) => {
      if (said.grant != null) expect(decision.to).toBeLessThanOrEqual(Math.max(decision.from, said.grant.replicas));
    });
  });
  it('what is asked of a budget does not depend on what it grants, and covers what works', () => {
    all((decision, { says: said, fleet: has, waiting, spec: configured, working }) => {
      const alone = decided(waiting, has, { ...said, grant: null }, configured);
      expect(decision.budgetAsk).toEqual(alone.budgetAsk);
      const { wish, keep, floor } = decision.budgetAsk;
      expect(keep).toBeGreaterThanOrEqual(wish);
      expect(floor).toBeGreaterThanOrEqual(Math.min(working, decision.from));
    });
  });
  it('the text says why, and it is all plain data', () => {
    all((decision, { says: said, fleet: has, waiting, spec: configured }) => {
      if (decision.kind === 'scale') expect(decision.reason).not.toBe('steady');
      expect(decision.text).not.toContain('undefined');
      const again = decided(waiting, has, JSON.parse(JSON.stringify(said)) as Partial<PoolSeen>, configured);
      expect(again).toEqual(JSON.parse(JSON.stringify(decision)));
    });
  });
});
