import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ReplicaSeen } from '../../src/decide/seen.ts';
import { type Answer, type Effect, noScaleIn, type ScaleInState } from '../../src/scale-in/scale-in.ts';
import { step } from '../../src/scale-in/step.ts';
import { reading, unavailable } from '../../src/window/sample.ts';
import { NOW, replica } from '../pool-fixtures.ts';

const idleAt = (atMs: number): Partial<ReplicaSeen> => ({
  active: reading(0, atMs),
  reserved: reading(0, atMs),
  scheduled: reading(0, atMs),
});
const answer = (changes: Partial<Answer>): Answer => ({
  cordonedAtMs: null,
  markedAtMs: null,
  uncordonedAtMs: null,
  failed: null,
  ...changes,
});
const kinds = (effects: readonly Effect[]): readonly string[] => effects.map((effect) => effect.kind);

/** Drives one idle replica of two up to a stage; hands back the state and the time. */
function driveTo(stage: 'cordoning' | 'verifying' | 'marking' | 'removing'): {
  state: ScaleInState;
  nowMs: number;
  answers: Record<string, Answer>;
} {
  const answers: Record<string, Answer> = {};
  let state = step(NOW, noScaleIn, {
    want: 1,
    replicas: [replica('old'), replica('new', { startedAtMs: NOW - 1_000 })],
    hold: null,
    answers,
  }).state;
  if (stage === 'cordoning') return { state, nowMs: NOW, answers };
  answers.new = answer({ cordonedAtMs: NOW + 10 });
  const at = (nowMs: number, beatMs: number): void => {
    state = step(nowMs, state, { want: 1, replicas: [replica('old'), replica('new', idleAt(beatMs))], hold: null, answers }).state;
  };
  at(NOW + 10, NOW);
  if (stage === 'verifying') return { state, nowMs: NOW + 10, answers };
  at(NOW + 2_000, NOW + 2_000);
  at(NOW + 4_000, NOW + 4_000);
  if (stage === 'marking') return { state, nowMs: NOW + 4_000, answers };
  answers.new = answer({ cordonedAtMs: NOW + 10, markedAtMs: NOW + 4_001 });
  at(NOW + 4_001, NOW + 4_000);
  return { state, nowMs: NOW + 4_001, answers };
}

describe('the way out', () => {
  it('picks the youngest idle replica and cordons it', () => {
    const stepped = step(NOW, noScaleIn, {
      want: 2,
      replicas: [
        replica('busy', { startedAtMs: NOW - 1, active: reading(1, NOW) }),
        replica('old'),
        replica('young', { startedAtMs: NOW - 2_000 }),
      ],
      hold: null,
      answers: {},
    });
    expect(stepped.effects).toEqual([{ kind: 'cordon', id: 'young', nodename: 'young@host' }]);
  });

  it.each<[string, Partial<ReplicaSeen>]>([
    ['starting', { phase: 'starting' }],
    ['leaving', { phase: 'leaving' }],
    ['silent', { active: unavailable('silent', NOW) }],
    ['holding a task', { reserved: reading(1, NOW) }],
    ['holding a task for later', { scheduled: reading(1, NOW) }],
    ['not asked what it holds', { reserved: unavailable('not asked', NOW) }],
    ['without a worker that can be told', { nodename: null }],
    ['heard of only once', { onlineAtMs: NOW }],
  ])('never picks one that is %s', (_, changes) => {
    expect(step(NOW, noScaleIn, { want: 0, replicas: [replica('x', changes)], hold: null, answers: {} }).effects).toEqual([]);
  });

  it('goes cordon, verify, mark, remove, confirm', () => {
    const { state, nowMs, answers } = driveTo('marking');
    expect(state.victims).toMatchObject([{ id: 'new', stage: 'marking', beats: 2 }]);
    answers.new = answer({ cordonedAtMs: NOW + 10, markedAtMs: nowMs });
    const both = [replica('old'), replica('new', idleAt(nowMs))];
    const written = step(nowMs + 1, state, { want: 1, replicas: both, hold: null, answers });
    expect(written.effects).toEqual([{ kind: 'remove', ids: ['new'], replicas: 1 }]);
    const again = step(nowMs + 2, written.state, { want: 1, replicas: both, hold: null, answers });
    expect(again.effects).toEqual([]);
    const leaving = step(nowMs + 3, again.state, {
      want: 1,
      replicas: [replica('old'), replica('new', { phase: 'leaving' })],
      hold: null,
      answers,
    });
    expect(leaving.state.victims).toEqual([]);
  });

  it('does not count a heartbeat from before the answer, nor the same one twice', () => {
    const { state, answers } = driveTo('verifying');
    const beat = (nowMs: number, beatMs: number, from: ScaleInState): ScaleInState =>
      step(nowMs, from, { want: 1, replicas: [replica('old'), replica('new', idleAt(beatMs))], hold: null, answers }).state;
    let next = beat(NOW + 1_000, NOW + 9, state);
    next = beat(NOW + 2_000, NOW + 2_000, next);
    next = beat(NOW + 2_500, NOW + 2_000, next);
    expect(next.victims).toMatchObject([{ stage: 'verifying', beats: 1 }]);
  });

  it('asks a worker whose heartbeats do not say what it holds, and needs an answer younger than the cordon', () => {
    const { state, answers } = driveTo('verifying');
    const python = (beatMs: number, inspectedMs: number | null): ReplicaSeen => {
      const held = inspectedMs === null ? unavailable('not asked', NOW) : reading(0, inspectedMs);
      return replica('new', { active: reading(0, beatMs), reserved: held, scheduled: held });
    };
    const look = (nowMs: number, from: ScaleInState, one: ReplicaSeen): ReturnType<typeof step> =>
      step(nowMs, from, { want: 1, replicas: [replica('old'), one], hold: null, answers });
    const first = look(NOW + 2_000, state, python(NOW + 2_000, NOW - 1_000));
    const second = look(NOW + 4_000, first.state, python(NOW + 4_000, NOW - 1_000));
    expect(kinds(second.effects)).toEqual(['inspect']);
    expect(kinds(look(NOW + 4_010, second.state, python(NOW + 4_000, null)).effects)).toEqual(['inspect']);
    expect(kinds(look(NOW + 4_020, second.state, python(NOW + 4_000, NOW + 4_005)).effects)).toEqual(['mark']);
  });
});

describe('the way back', () => {
  it.each(['cordoning', 'verifying', 'marking'] as const)('is taken when it is needed again while %s', (stage) => {
    const { state, nowMs, answers } = driveTo(stage);
    const back = step(nowMs + 1, state, { want: 2, replicas: [replica('old'), replica('new', idleAt(nowMs))], hold: null, answers });
    expect(back.effects).toEqual([{ kind: 'uncordon', id: 'new', nodename: 'new@host', why: 'it is needed again' }]);
  });

  it('is not taken once the target has been told', () => {
    const { state, nowMs, answers } = driveTo('removing');
    expect(
      step(nowMs + 1, state, { want: 2, replicas: [replica('old'), replica('new', idleAt(nowMs))], hold: null, answers }).effects,
    ).toEqual([]);
  });

  it('is taken when it still got a task, when it does not answer, and when marking fails', () => {
    const verifying = driveTo('verifying');
    const got = replica('new', { ...idleAt(NOW + 2_000), active: reading(1, NOW + 2_000) });
    expect(
      step(NOW + 2_000, verifying.state, {
        want: 1,
        replicas: [replica('old', { active: reading(1, NOW) }), got],
        hold: null,
        answers: verifying.answers,
      }).effects,
    ).toMatchObject([{ kind: 'uncordon', why: 'it still got a task' }]);
    const cordoning = driveTo('cordoning');
    const both = [replica('old', { active: reading(1, NOW) }), replica('new', idleAt(NOW))];
    expect(step(NOW + 4_999, cordoning.state, { want: 1, replicas: both, hold: null, answers: {} }).effects).toEqual([]);
    expect(kinds(step(NOW + 5_000, cordoning.state, { want: 1, replicas: both, hold: null, answers: {} }).effects)).toEqual(['uncordon']);
    const marking = driveTo('marking');
    const failed = { new: answer({ cordonedAtMs: NOW + 10, failed: '409' }) };
    expect(kinds(step(NOW + 4_100, marking.state, { want: 1, replicas: both, hold: null, answers: failed }).effects)).toEqual(['uncordon']);
  });

  it('is repeated until the worker answers, then leaves the replica alone for a while', () => {
    const { state, nowMs, answers } = driveTo('verifying');
    const both = [replica('old', { active: reading(1, NOW) }), replica('new', idleAt(NOW))];
    const back = step(nowMs + 1, state, { want: 2, replicas: both, hold: null, answers });
    const again = step(nowMs + 5_001, back.state, { want: 2, replicas: both, hold: null, answers });
    expect(kinds(again.effects)).toEqual(['uncordon']);
    answers.new = answer({ uncordonedAtMs: nowMs + 5_010 });
    const done = step(nowMs + 5_010, again.state, { want: 1, replicas: both, hold: null, answers });
    expect(done).toMatchObject({ effects: [], state: { victims: [] } });
    expect(step(nowMs + 15_009, done.state, { want: 1, replicas: both, hold: null, answers }).effects).toEqual([]);
    expect(kinds(step(nowMs + 15_011, done.state, { want: 1, replicas: both, hold: null, answers }).effects)).toEqual(['cordon']);
  });
});

describe('whatever happens', () => {
  const event = fc.record({
    stepMs: fc.integer({ min: 1, max: 3_000 }),
    want: fc.nat(4),
    loads: fc.array(fc.constantFrom(0, 0, 0, 1, null), { minLength: 4, maxLength: 4 }),
    obeys: fc.boolean(),
    gone: fc.constantFrom(null, null, null, 0, 1, 2, 3),
  });

  it('removes only replicas seen idle twice after their cordon, never more than wanted, and leaves no cordon behind', () => {
    fc.assert(
      fc.property(fc.array(event, { minLength: 1, maxLength: 40 }), (events) => {
        let state: ScaleInState = noScaleIn;
        let nowMs = NOW;
        const answers: Record<string, Answer> = {};
        const cordonedAt = new Map<string, number>();
        const idleBeats = new Map<string, number>();
        const present = new Set(['r0', 'r1', 'r2', 'r3']);
        const look = (loads: readonly (number | null)[]): ReplicaSeen[] =>
          ['r0', 'r1', 'r2', 'r3'].flatMap((id, index) => {
            if (!present.has(id)) return [];
            const load = loads[index] ?? null;
            const at = load === null ? unavailable('silent', nowMs) : reading(load, nowMs);
            return [replica(id, { active: at, reserved: at, scheduled: at, cordoned: cordonedAt.has(id) })];
          });
        const turn = (want: number, loads: readonly (number | null)[], obeys: boolean): void => {
          const replicas = look(loads);
          for (const one of replicas) {
            const since = cordonedAt.get(one.id);
            if (since === undefined || since >= nowMs) continue;
            const load = one.active.kind === 'reading' ? one.active.value : null;
            if (load === 0) idleBeats.set(one.id, (idleBeats.get(one.id) ?? 0) + 1);
            else if (load !== null) idleBeats.set(one.id, 0);
          }
          const stepped = step(nowMs, state, { want, replicas, hold: null, answers: { ...answers } });
          state = stepped.state;
          const removed = stepped.effects.flatMap((effect) => (effect.kind === 'remove' ? effect.ids : []));
          if (removed.length > 0) expect(present.size - removed.length).toBeGreaterThanOrEqual(Math.min(want, present.size));
          for (const id of removed) {
            expect(idleBeats.get(id) ?? 0).toBeGreaterThanOrEqual(2);
            present.delete(id);
            cordonedAt.delete(id);
          }
          if (!obeys) return;
          for (const effect of stepped.effects) {
            if (effect.kind === 'cordon') {
              answers[effect.id] = answer({ cordonedAtMs: nowMs });
              cordonedAt.set(effect.id, nowMs);
              idleBeats.set(effect.id, 0);
            } else if (effect.kind === 'uncordon') {
              answers[effect.id] = answer({ uncordonedAtMs: nowMs });
              cordonedAt.delete(effect.id);
            } else if (effect.kind === 'mark') {
              for (const id of effect.ids) answers[id] = { ...(answers[id] ?? answer({})), markedAtMs: nowMs };
            }
          }
        };
        for (const { stepMs, want, loads, obeys, gone } of events) {
          nowMs += stepMs;
          if (gone !== null) {
            present.delete(`r${gone}`);
            cordonedAt.delete(`r${gone}`);
          }
          turn(want, loads, obeys);
        }
        // Wanted again, and answering: within a while nobody is left cordoned.
        for (let again = 0; again < 40; again += 1) {
          nowMs += 1_000;
          turn(9, [0, 0, 0, 0], true);
        }
        expect([...cordonedAt.keys()]).toEqual([]);
        expect(state.victims.filter((victim) => victim.stage !== 'removing')).toEqual([]);
      }),
    );
  });
});
