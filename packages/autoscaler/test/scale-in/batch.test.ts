import { describe, expect, it } from 'vitest';
import type { ReplicaSeen } from '../../src/decide/seen.ts';
import { type Answer, type Effect, noScaleIn, type ScaleInSeen, type ScaleInState } from '../../src/scale-in/scale-in.ts';
import { step } from '../../src/scale-in/step.ts';
import { reading, unavailable } from '../../src/window/sample.ts';
import { NOW, replica } from '../pool-fixtures.ts';

const kinds = (effects: readonly Effect[]): readonly string[] => effects.map((effect) => effect.kind);
const answer = (changes: Partial<Answer>): Answer => ({
  cordonedAtMs: null,
  markedAtMs: null,
  uncordonedAtMs: null,
  failed: null,
  ...changes,
});

/** A pool whose effects come true at once: the clock, the state and the answers of its scale-in. */
class Pool {
  nowMs = NOW;
  state: ScaleInState = noScaleIn;
  hold: string | null = null;
  readonly answers: Record<string, Answer> = {};
  readonly beats: Record<string, number> = {};
  #replicas: readonly ReplicaSeen[];

  constructor(replicas: readonly ReplicaSeen[]) {
    this.#replicas = replicas;
  }

  /** One step; those named send a heartbeat right before. */
  turn(
    want: number,
    changes: { readonly afterMs?: number; readonly beat?: readonly string[]; readonly seen?: Partial<ScaleInSeen> } = {},
  ): readonly Effect[] {
    this.nowMs += changes.afterMs ?? 1_000;
    for (const id of changes.beat ?? []) this.beats[id] = this.nowMs;
    const replicas = this.#replicas.map((one) => {
      const at = reading(0, this.beats[one.id] ?? NOW);
      return one.phase === 'ready' ? { ...one, active: at, reserved: at, scheduled: at } : one;
    });
    const seen = { want, replicas, hold: this.hold, answers: { ...this.answers }, ...changes.seen };
    const stepped = step(this.nowMs, this.state, seen);
    this.state = stepped.state;
    for (const effect of stepped.effects) this.#carryOut(effect);
    // The answer to a cordon begins a turn of its own.
    if (stepped.effects.some((effect) => effect.kind === 'cordon')) this.turn(want, { ...changes, afterMs: 1 });
    return stepped.effects;
  }

  /** Steps until these are marked; hands back what the last step asked for. */
  mark(want: number, ids: readonly string[]): readonly Effect[] {
    this.turn(want);
    for (let beat = 0; beat < 2; beat += 1) this.turn(want, { beat: ids });
    return this.turn(want);
  }

  #carryOut(effect: Effect): void {
    if (effect.kind === 'cordon') this.answers[effect.id] = answer({ cordonedAtMs: this.nowMs });
    if (effect.kind === 'uncordon') this.answers[effect.id] = answer({ uncordonedAtMs: this.nowMs });
    if (effect.kind === 'mark')
      for (const id of effect.ids) this.answers[id] = { ...answer({}), ...this.answers[id], markedAtMs: this.nowMs };
  }
}

describe('many at once', () => {
  it('are cordoned in one turn, marked by one effect and taken out by one write', () => {
    const pool = new Pool(['a', 'b', 'c', 'd'].map((id) => replica(id)));
    expect(kinds(pool.turn(1))).toEqual(['cordon', 'cordon', 'cordon']);
    const ids = pool.state.victims.map(({ id }) => id);
    pool.turn(1, { beat: ids });
    expect(pool.turn(1, { beat: ids })).toEqual([{ kind: 'mark', ids }]);
    expect(pool.turn(1)).toEqual([{ kind: 'remove', ids, replicas: 1 }]);
    expect(pool.turn(1)).toEqual([]);
  });

  it('wait for those whose heartbeats are out of step, but not for ever', () => {
    const pool = new Pool(['a', 'b', 'c'].map((id) => replica(id)));
    pool.turn(1);
    const [first = '', second = ''] = pool.state.victims.map(({ id }) => id);
    pool.turn(1, { beat: [first] });
    expect(kinds(pool.turn(1, { beat: [first] }))).toEqual(['mark']);
    expect(pool.turn(1, { beat: [second] })).toEqual([]);
    expect(kinds(pool.turn(1, { beat: [second] }))).toEqual(['mark']);
    expect(pool.turn(1)).toMatchObject([{ kind: 'remove', ids: [first, second] }]);

    const late = new Pool(['a', 'b', 'c'].map((id) => replica(id)));
    late.turn(1);
    const [ready = ''] = late.state.victims.map(({ id }) => id);
    late.turn(1, { beat: [ready] });
    late.turn(1, { beat: [ready] });
    late.turn(1);
    expect(late.turn(1, { afterMs: 4_999 })).toEqual([]);
    expect(late.turn(1, { afterMs: 1 })).toMatchObject([{ kind: 'remove', ids: [ready] }]);
  });

  it('do not wait for those picked later', () => {
    const pool = new Pool(['a', 'b', 'c'].map((id) => replica(id)));
    pool.mark(2, ['a', 'b', 'c']);
    const fresh = new Pool(['a', 'b', 'c'].map((id) => replica(id)));
    fresh.turn(2);
    const [first = ''] = fresh.state.victims.map(({ id }) => id);
    fresh.turn(2, { beat: [first] });
    fresh.turn(2, { beat: [first] });
    fresh.hold = 'a rollout';
    fresh.turn(2);
    fresh.hold = null;
    // One more is picked in the very step in which the first one goes.
    expect(kinds(fresh.turn(1))).toEqual(['remove', 'cordon']);
  });
});

describe('while held', () => {
  it('nobody is cordoned', () => {
    const pool = new Pool([replica('a'), replica('b')]);
    pool.hold = 'pod x is not ready';
    expect(pool.turn(1)).toEqual([]);
    pool.hold = null;
    expect(kinds(pool.turn(1))).toEqual(['cordon']);
  });

  it('who is verified waits in place, goes when the hold ends, and is taken back when it lasts', () => {
    const pool = new Pool([replica('a'), replica('b')]);
    pool.turn(1);
    const [id = ''] = pool.state.victims.map((victim) => victim.id);
    pool.turn(1, { beat: [id] });
    pool.turn(1, { beat: [id] });
    pool.hold = 'a rollout is in progress';
    expect(pool.turn(1)).toEqual([]);
    expect(pool.turn(1, { afterMs: 30_000, beat: ['a', 'b'] })).toEqual([]);
    pool.hold = null;
    expect(pool.turn(1)).toMatchObject([{ kind: 'remove', ids: [id] }]);

    const held = new Pool([replica('a'), replica('b')]);
    held.turn(1);
    held.turn(1, { beat: ['a', 'b'] });
    held.turn(1, { beat: ['a', 'b'] });
    held.hold = 'a rollout is in progress';
    held.turn(1);
    expect(held.turn(1, { afterMs: 60_000, beat: ['a', 'b'] })).toMatchObject([
      { kind: 'uncordon', why: 'it could not be taken out within 60 s' },
    ]);
  });

  it('who is needed again is taken back all the same', () => {
    const pool = new Pool([replica('a'), replica('b')]);
    pool.turn(1);
    pool.turn(1, { beat: ['a', 'b'] });
    pool.turn(1, { beat: ['a', 'b'] });
    pool.hold = 'a rollout is in progress';
    pool.turn(1);
    expect(pool.turn(2)).toMatchObject([{ kind: 'uncordon', why: 'it is needed again' }]);
  });
});

describe('a victim', () => {
  it('whose worker began anew has lost its cordon and is taken back', () => {
    const pool = new Pool([replica('a'), replica('b')]);
    pool.turn(1);
    const [id = ''] = pool.state.victims.map((victim) => victim.id);
    const replicas = [replica('a'), replica('b')].map((one) => (one.id === id ? { ...one, onlineAtMs: pool.nowMs + 500 } : one));
    expect(pool.turn(1, { seen: { replicas } })[0]).toMatchObject({ kind: 'uncordon', id, why: 'its worker began anew' });
  });

  it('that could not be taken out is taken back', () => {
    const pool = new Pool([replica('a'), replica('b')]);
    expect(kinds(pool.mark(1, ['a', 'b']))).toEqual(['remove']);
    const [id = ''] = pool.state.victims.map((victim) => victim.id);
    pool.answers[id] = { ...answer({}), ...pool.answers[id], failed: 'somebody else changed it' };
    expect(pool.turn(1)[0]).toMatchObject({ kind: 'uncordon', id, why: 'not taken out: somebody else changed it' });
  });

  it('that turns busy while it waits is taken back', () => {
    const pool = new Pool([replica('a'), replica('b')]);
    pool.turn(1);
    pool.turn(1, { beat: ['a', 'b'] });
    pool.turn(1, { beat: ['a', 'b'] });
    pool.hold = 'a rollout is in progress';
    pool.turn(1);
    const replicas = [replica('a'), replica('b')].map((one) => ({ ...one, active: reading(1, pool.nowMs) }));
    expect(pool.turn(1, { seen: { replicas } })).toMatchObject([{ kind: 'uncordon', why: 'it is busy again, or cannot be heard' }]);
  });
});

it('a replica left cordoned, whose target let it go and then kept it, takes tasks again', () => {
  const seen = { want: 1, replicas: [replica('a', { cordoned: true })], hold: null, answers: {} };
  const first = step(NOW, noScaleIn, seen);
  expect(first.effects).toEqual([{ kind: 'uncordon', id: 'a', nodename: 'a@host', why: 'it stays after all' }]);
  expect(step(NOW + 1, first.state, seen).effects).toEqual([]);
  const done = step(NOW + 2, first.state, { ...seen, replicas: [replica('a')], answers: { a: answer({ uncordonedAtMs: NOW + 2 }) } });
  expect(done.state.victims).toEqual([]);
});

describe('replicas in which nothing runs', () => {
  const waiting = (id: string, startedAtMs = NOW): ReplicaSeen =>
    replica(id, { phase: 'starting', empty: true, onlineAtMs: null, startedAtMs, active: unavailable('not heard of yet', NOW) });
  const stuck = (id: string, changes: Partial<ReplicaSeen> = {}): ReplicaSeen => ({ ...waiting(id), phase: 'stuck', ...changes });
  const look = (replicas: readonly ReplicaSeen[], changes: Partial<ScaleInSeen>, state: ScaleInState = noScaleIn, nowMs = NOW) =>
    step(nowMs, state, { want: replicas.length, replicas, hold: null, answers: {}, ...changes });

  it('go first, the youngest first, without a cordon, once', () => {
    const replicas = [replica('up'), waiting('old', NOW - 9), waiting('young', NOW - 1), waiting('middle', NOW - 5)];
    const first = look(replicas, { want: 2 });
    expect(first.effects).toEqual([{ kind: 'remove', ids: ['young', 'middle'], replicas: 2 }]);
    expect(look(replicas, { want: 2 }, first.state, NOW + 1_999).effects).toEqual([]);
    expect(kinds(look(replicas, { want: 2 }, first.state, NOW + 2_000).effects)).toEqual(['remove']);
  });

  it('spare those that are up', () => {
    expect(look([replica('a'), replica('b'), waiting('c')], { want: 1 }).effects).toEqual([
      { kind: 'remove', ids: ['c'], replicas: 2 },
      expect.objectContaining({ kind: 'cordon' }),
    ]);
  });

  it('go though pods that are not ready hold others up', () => {
    expect(kinds(look([replica('a'), waiting('c')], { want: 1, hold: 'pod x is not ready' }).effects)).toEqual(['remove']);
  });

  it('and are stuck are taken out but for one while more are asked for, all of them otherwise, none where that may not be', () => {
    const replicas = [replica('up'), stuck('probe', { probe: true }), stuck('b'), stuck('c')];
    expect(look(replicas, { want: 1, wish: 5 }).effects).toEqual([{ kind: 'remove', ids: ['b', 'c'], replicas: 1 }]);
    expect(look(replicas, { want: 1, wish: 1 }).effects).toEqual([{ kind: 'remove', ids: ['probe', 'b', 'c'], replicas: 1 }]);
    expect(look(replicas, { want: 1, wish: null }).effects).toEqual([]);
    expect(look(replicas, { want: 1 }).effects).toEqual([]);
  });

  it('but not those that are stuck and may run something', () => {
    expect(look([replica('up'), stuck('silent', { empty: false })], { want: 1, wish: 1 }).effects).toEqual([]);
  });

  it('go in one write with those that are verified', () => {
    const pool = new Pool([replica('a'), replica('b')]);
    pool.turn(1);
    pool.turn(1, { beat: ['a', 'b'] });
    pool.turn(1, { beat: ['a', 'b'] });
    const [id = ''] = pool.state.victims.map((victim) => victim.id);
    const replicas = [replica('a'), replica('b'), stuck('s')].map((one) =>
      one.phase === 'ready'
        ? { ...one, active: reading(0, pool.nowMs), reserved: reading(0, pool.nowMs), scheduled: reading(0, pool.nowMs) }
        : one,
    );
    expect(pool.turn(1, { seen: { replicas, wish: 1 } })).toEqual([{ kind: 'remove', ids: ['s', id], replicas: 1 }]);
  });
});
