import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide } from '../../src/decide/decide.ts';
import { noOrders, type PoolSeen, type ReplicaSeen } from '../../src/decide/seen.ts';
import type { PoolSpec } from '../../src/decide/spec.ts';
import { initialPoolState, type PoolState } from '../../src/decide/state.ts';
import { noColdStart } from '../../src/window/cold-start.ts';
import { reading, type Sample, unavailable } from '../../src/window/sample.ts';
import { noServiceTime } from '../../src/window/service-time.ts';
import { NOW, replica, replicas, restedState, seen, spec } from '../pool-fixtures.ts';

const busy = (count: number): readonly ReplicaSeen[] => replicas(count, { active: reading(4, NOW) });

describe('one decision', () => {
  it('goes from zero straight to the size needed', () => {
    const decision = decide(NOW, spec({ expectedServiceMs: 30_000 }), seen(80), restedState());
    expect(decision).toMatchObject({ kind: 'scale', from: 0, to: 20, reason: 'goal', apply: true });
  });

  it('stops at max and says so', () => {
    expect(decide(NOW, spec({ expectedServiceMs: 30_000, max: 7 }), seen(80), restedState())).toMatchObject({ to: 7, reason: 'max' });
  });

  it('stays at zero without work', () => {
    expect(decide(NOW, spec(), seen(0), restedState())).toMatchObject({ kind: 'hold', from: 0, to: 0, reason: 'steady' });
  });

  it('does not add to replicas that are on their way', () => {
    const starting = replicas(3, { phase: 'starting', onlineAtMs: null, active: unavailable('not heard of yet', NOW) });
    expect(decide(NOW, spec({ expectedServiceMs: 30_000 }), seen(12, starting), restedState(starting))).toMatchObject({
      kind: 'hold',
      to: 3,
    });
  });

  it('does not count stuck replicas as capacity', () => {
    const stuck = replicas(3, { phase: 'stuck', why: 'no heartbeat within 60 s of its start', onlineAtMs: null });
    expect(decide(NOW, spec({ expectedServiceMs: 30_000 }), seen(12, stuck), restedState())).toMatchObject({ from: 0, to: 3 });
  });

  it('keeps what is busy when the queue is empty', () => {
    const four = [...busy(3), replica('idle')];
    expect(decide(NOW, spec(), seen(0, four), restedState(four))).toMatchObject({ kind: 'scale', from: 4, to: 3 });
  });

  it('takes a silent worker for busy in all its slots', () => {
    const two = [replica('r1'), replica('r2', { active: unavailable('no heartbeat in time', NOW - 9_000) })];
    const decision = decide(NOW, spec(), seen(0, two), restedState(two));
    expect(decision).toMatchObject({ from: 2, to: 1 });
    expect(decision.evidence.unknown).toEqual(['r2: no heartbeat in time']);
  });

  it('holds on a missing depth, and grows by those that are known', () => {
    const two = replicas(2);
    expect(decide(NOW, spec(), seen(null, two), restedState(two))).toMatchObject({ kind: 'hold', to: 2, reason: 'unknown' });
    const both = spec({ queues: ['celery', 'emails'].map((name) => ({ name, waitGoalMs: 10_000 })), expectedServiceMs: 30_000 });
    const halfKnown = { ...seen(null, two), queues: [...seen(null).queues, { name: 'emails', ready: reading(40, NOW) }] };
    expect(decide(NOW, both, halfKnown, restedState(two))).toMatchObject({ kind: 'scale', to: 10 });
  });

  it('falls back, from zero too, once signals have been missing for long', () => {
    const withFallback = spec({ fallback: { replicas: 2, afterMs: 60_000 } });
    const first = decide(NOW, withFallback, seen(null), restedState());
    expect(first).toMatchObject({ kind: 'hold', to: 0, wakeAtMs: NOW + 60_000 });
    const later = decide(NOW + 60_000, withFallback, seen(null), first.nextState);
    expect(later).toMatchObject({ kind: 'scale', from: 0, to: 2, reason: 'fallback' });
  });

  it('holds at the last known number while the target cannot be read', () => {
    const gone = seen(0, [], { replicas: unavailable('watch broken', NOW) });
    expect(decide(NOW, spec(), gone, restedState(replicas(3)))).toMatchObject({ kind: 'hold', from: 3, to: 3, reason: 'unknown' });
  });

  it('asks workers that do not say what they hold, and shrinks once they said nothing', () => {
    const unasked = unavailable('not in its heartbeat, not asked lately', NOW);
    const python = replicas(2, { reserved: unasked, scheduled: unasked });
    expect(decide(NOW, spec(), seen(0, python), restedState(python))).toMatchObject({ kind: 'hold', ask: ['r1@host', 'r2@host'] });
    expect(decide(NOW, spec(), seen(0, replicas(2)), restedState(replicas(2)))).toMatchObject({ kind: 'scale', to: 0, ask: [] });
    const holding = replicas(2, { scheduled: reading(5, NOW) });
    expect(decide(NOW, spec(), seen(0, holding), restedState(holding))).toMatchObject({ kind: 'hold', to: 2, reason: 'busy' });
  });

  it('does not go to zero when a parked task is due within a cold start', () => {
    const one = replicas(1);
    const due = seen(0, one, { nextDueMs: reading(NOW + 900, NOW) });
    expect(decide(NOW, spec(), due, restedState(one))).toMatchObject({ kind: 'hold', to: 1, reason: 'idle-to-zero', wakeAtMs: NOW + 900 });
    const later = seen(0, one, { nextDueMs: reading(NOW + 600_000, NOW) });
    expect(decide(NOW, spec(), later, restedState(one))).toMatchObject({ kind: 'scale', to: 0, wakeAtMs: NOW + 600_000 });
  });

  it('counts tasks that came and went between two looks as work', () => {
    const one = [replica('r1', { processed: 12 })];
    const state = restedState(one, { processed: { 'r1@host': 10 } });
    expect(decide(NOW, spec(), seen(0, one), state).nextState).toMatchObject({ busyAtMs: NOW, zeroReadings: 0 });
  });

  it.each([
    ['before our first decision', null],
    ['while nothing was known of the replicas', NOW - 500],
  ])('learns neither a cold start nor a service time from who came up %s', (_, decidedAtMs) => {
    const one = [replica('r1', { startedAtMs: NOW - 600_000, onlineAtMs: NOW - 60_000, processed: 500, processedAtFirst: 0 })];
    const state = restedState([], { decidedAtMs, service: noServiceTime, coldStart: noColdStart });
    expect(decide(NOW, spec(), seen(0, one), state).nextState).toMatchObject({ service: noServiceTime, coldStart: noColdStart });
    // Who comes up before our eyes teaches both.
    const fresh = [replica('r1', { startedAtMs: NOW - 5_000, onlineAtMs: NOW - 100, processed: 3, processedAtFirst: 0 })];
    const learnt = decide(NOW, spec(), seen(0, fresh), { ...state, decidedAtMs: NOW - 500 }).nextState;
    expect(learnt.coldStart).toMatchObject({ meanMs: 4_900, count: 1 });
    expect(learnt.service.recent.begun).toBe(3);
  });

  it('waits for a heartbeat younger than what waited before it takes a replica for idle', () => {
    const stale = [
      replica('r1', { active: reading(0, NOW - 1_500), reserved: reading(0, NOW - 1_500), scheduled: reading(0, NOW - 1_500) }),
    ];
    const state = restedState(stale, { waitingAtMs: NOW - 1_000 });
    expect(decide(NOW, spec(), seen(0, stale), state)).toMatchObject({ kind: 'hold', to: 1, reason: 'idle-to-zero' });
    expect(decide(NOW, spec(), seen(0, [replica('r1')]), state)).toMatchObject({ kind: 'scale', to: 0 });
  });

  it('does not take the first word of a replica for idleness', () => {
    const fresh = replicas(2, { onlineAtMs: NOW });
    expect(decide(NOW, spec(), seen(0, fresh), restedState(fresh))).toMatchObject({ kind: 'hold', to: 2 });
  });

  it('only records in dry-run', () => {
    expect(decide(NOW, spec({ mode: 'dry-run' }), seen(5), restedState())).toMatchObject({ kind: 'scale', apply: false, to: 1 });
  });

  it('learns the concurrency from heartbeats', () => {
    const learning = spec({ slotsPerReplica: null, expectedServiceMs: 30_000 });
    expect(decide(NOW, learning, seen(24), restedState())).toMatchObject({ to: 20, reason: 'max' });
    const one = [replica('r1', { slots: 8, active: reading(8, NOW) })];
    expect(decide(NOW, learning, seen(24, one), restedState(one))).toMatchObject({ to: 4, evidence: { slotsPerReplica: 8 } });
  });
});

describe('over time', () => {
  /** Decides once a second; replicas follow at once. */
  const live = (poolSpec: PoolSpec, seconds: number, depthAt: (second: number) => number, start = 0): number[] => {
    let state = initialPoolState(NOW);
    let count = start;
    const counts: number[] = [];
    for (let second = 0; second < seconds; second += 1) {
      const nowMs = NOW + second * 1_000;
      const up = replicas(count, { active: reading(0, nowMs), reserved: reading(0, nowMs), scheduled: reading(0, nowMs) });
      const decision = decide(nowMs, poolSpec, seen(depthAt(second), up), state);
      state = decision.nextState;
      count = decision.to;
      counts.push(count);
    }
    return counts;
  };

  it('shrinks after down-delay and to zero only after idle-to-zero', () => {
    const counts = live(spec({ downDelayMs: 20_000, idleToZeroMs: 60_000, expectedServiceMs: 30_000 }), 90, (second) =>
      second < 5 ? 40 : 0,
    );
    expect(counts[0]).toBe(10);
    expect(counts.indexOf(1)).toBe(24);
    expect(counts.indexOf(0)).toBe(64);
  });

  it('does not shrink within one down-delay of a restart', () => {
    const counts = live(spec({ downDelayMs: 20_000, idleToZeroMs: 0 }), 30, () => 0, 6);
    expect(counts.slice(0, 20).every((count) => count === 6)).toBe(true);
    expect(counts.at(-1)).toBe(0);
  });

  it('does not flap when short bursts come more often than the down-delay', () => {
    const counts = live(spec({ downDelayMs: 30_000, expectedServiceMs: 30_000 }), 300, (second) => (second % 20 === 0 ? 20 : 0));
    expect(new Set(counts)).toEqual(new Set([5]));
  });
});

const sample = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<Sample<T>> =>
  fc.oneof(
    value.map((known) => reading(known, NOW)),
    fc.constant(unavailable('gone', NOW - 10_000)),
  );
const anyReplica: fc.Arbitrary<ReplicaSeen> = fc
  .record({
    phase: fc.constantFrom('starting', 'ready', 'ready', 'leaving', 'stuck'),
    active: sample(fc.nat(4)),
    reserved: sample(fc.nat(4)),
    scheduled: sample(fc.nat(2)),
    slots: fc.constantFrom(null, 1, 4),
    processed: fc.constantFrom(null, 0, 100),
    cordoned: fc.boolean(),
  })
  .map((changes) => replica('x', changes));
const anySeen: fc.Arbitrary<PoolSeen> = fc
  .record({
    depth: sample(fc.nat(10_000)),
    all: sample(fc.array(anyReplica, { maxLength: 8 })),
    due: sample(fc.constantFrom(null, NOW - 5, NOW + 100, NOW + 100_000)),
    growth: fc.constantFrom<PoolSeen['growth']>({ kind: 'open' }, { kind: 'limited', pending: 1, reason: 'crash', untilMs: NOW + 5 }),
  })
  .map(({ depth, all, due, growth }) => ({
    orders: noOrders,
    schedule: null,
    grant: null,
    hold: null,
    queues: [{ name: 'celery', ready: depth }],
    nextDueMs: due,
    replicas:
      all.kind === 'reading'
        ? { ...all, value: all.value.map((one, index) => ({ ...one, id: `r${index}`, nodename: `r${index}@h` })) }
        : all,
    growth,
  }));
const anySpec: fc.Arbitrary<PoolSpec> = fc
  .record({
    mode: fc.constantFrom('off', 'dry-run', 'up-only', 'on'),
    pause: fc.constantFrom(null, null, 'all', 'in', 'out'),
    min: fc.nat(2),
    max: fc.integer({ min: 2, max: 12 }),
    fallback: fc.constantFrom(null, { replicas: 2, afterMs: 1_000 }),
    maxUpStep: fc.constantFrom(null, 1, 3),
    maxPending: fc.constantFrom(null, 1, 3),
    slotsPerReplica: fc.constantFrom(null, 4),
    headroom: fc.constantFrom(0, 1),
    downDelayMs: fc.constantFrom(0, 5_000),
    idleToZeroMs: fc.constantFrom(0, 10_000),
  })
  .map((changes) => spec(changes as Partial<PoolSpec>));
const history = fc.tuple(anySpec, fc.array(fc.tuple(fc.nat(10_000), anySeen), { minLength: 1, maxLength: 12 }));

/** Runs a history and hands every decision with what it rested on to `check`. */
function along(
  [poolSpec, steps]: readonly [PoolSpec, readonly (readonly [number, PoolSeen])[]],
  check: (at: { nowMs: number; spec: PoolSpec; seen: PoolSeen; state: PoolState; decision: ReturnType<typeof decide> }) => void,
): void {
  let state = initialPoolState(NOW);
  let nowMs = NOW;
  for (const [stepMs, now] of steps) {
    nowMs += stepMs;
    const decision = decide(nowMs, poolSpec, now, state);
    check({ nowMs, spec: poolSpec, seen: now, state, decision });
    state = decision.nextState;
  }
}

describe('whatever is seen', () => {
  it('never goes below the replicas that hold work or cannot be heard', () => {
    fc.assert(
      fc.property(history, (given) =>
        along(given, ({ decision, seen: now }) => {
          const ready = now.replicas.kind === 'reading' ? now.replicas.value.filter((one) => one.phase === 'ready') : [];
          const holding = ready.filter(
            (one) =>
              one.active.kind === 'unavailable' ||
              [one.active, one.reserved, one.scheduled].some((of) => of.kind === 'reading' && of.value > 0),
          );
          expect(decision.to).toBeGreaterThanOrEqual(Math.min(holding.length, decision.from));
        }),
      ),
    );
  });

  it('never goes down on an unknown depth, target or hold', () => {
    fc.assert(
      fc.property(history, (given) =>
        along(given, ({ decision, seen: now }) => {
          const unknown = now.replicas.kind === 'unavailable' || now.queues.some((queue) => queue.ready.kind === 'unavailable');
          const unasked =
            now.replicas.kind === 'reading' &&
            now.replicas.value.some((one) => {
              const said = [one.active, one.reserved, one.scheduled];
              return (
                one.phase === 'ready' &&
                said.every((of) => of.kind === 'unavailable' || of.value === 0) &&
                one.active.kind === 'reading' &&
                said.some((of) => of.kind === 'unavailable')
              );
            });
          if (unknown || unasked) expect(decision.to).toBeGreaterThanOrEqual(decision.from);
        }),
      ),
    );
  });

  it('goes to zero only after idle-to-zero without any work', () => {
    fc.assert(
      fc.property(history, (given) => {
        let workAtMs = NOW;
        along(given, ({ nowMs, decision, seen: now, spec: poolSpec }) => {
          if (now.queues.some((queue) => queue.ready.kind === 'unavailable' || queue.ready.value > 0)) workAtMs = nowMs;
          if (decision.from > 0 && decision.to === 0) expect(nowMs - workAtMs).toBeGreaterThanOrEqual(poolSpec.idleToZeroMs);
        });
      }),
    );
  });

  it('keeps growth within max, step and pending, and stands still where it must', () => {
    fc.assert(
      fc.property(history, (given) =>
        along(given, ({ decision, spec: poolSpec, seen: now }) => {
          if (decision.to > decision.from) {
            expect(decision.to).toBeLessThanOrEqual(poolSpec.max);
            expect(decision.to - decision.from).toBeLessThanOrEqual(poolSpec.maxUpStep ?? Number.POSITIVE_INFINITY);
            const { starting } = decision.evidence.replicas;
            const most = Math.min(
              poolSpec.maxPending ?? Number.POSITIVE_INFINITY,
              now.growth.kind === 'limited' ? now.growth.pending : Number.POSITIVE_INFINITY,
            );
            expect(starting + decision.to - decision.from).toBeLessThanOrEqual(Math.max(most, starting));
          }
          if (poolSpec.mode === 'off' || poolSpec.pause === 'all') expect(decision.kind).toBe('hold');
          if (poolSpec.mode === 'up-only' || poolSpec.pause === 'in') expect(decision.to).toBeGreaterThanOrEqual(decision.from);
          if (poolSpec.pause === 'out') expect(decision.to).toBeLessThanOrEqual(decision.from);
          expect(decision.apply).toBe(decision.kind === 'scale' && poolSpec.mode !== 'dry-run');
        }),
      ),
    );
  });

  it('is plain data, and the same again from its JSON', () => {
    fc.assert(
      fc.property(history, (given) =>
        along(given, (at) => {
          const copy = JSON.parse(JSON.stringify(at)) as typeof at;
          expect(copy).toEqual(at);
          expect(decide(copy.nowMs, copy.spec, copy.seen, copy.state)).toEqual(at.decision);
          if (at.decision.wakeAtMs !== null) expect(at.decision.wakeAtMs).toBeGreaterThan(at.nowMs);
        }),
      ),
    );
  });
});
