// What is wanted, whatever the pool is held to.

import { describe, expect, it } from 'vitest';
import { decide } from '../../src/decide/decide.ts';
import type { PoolSeen, ReplicaSeen } from '../../src/decide/seen.ts';
import type { PoolSpec } from '../../src/decide/spec.ts';
import { wantedOf } from '../../src/decide/wanted.ts';
import { noScaleIn } from '../../src/scale-in/scale-in.ts';
import { step } from '../../src/scale-in/step.ts';
import { unavailable } from '../../src/window/sample.ts';
import { NOW, replica, restedState, seen, spec } from '../pool-fixtures.ts';

const growth = { kind: 'limited', pending: 0, reason: 'ErrImagePull: no image', untilMs: null } as const;
const nothing = unavailable('not heard of yet', NOW);
const stuck = (id: string, probe: boolean): ReplicaSeen =>
  replica(id, { phase: 'stuck', why: 'no image', active: nothing, reserved: nothing, scheduled: nothing, empty: true, probe });
const decided = (ready: number, replicas: readonly ReplicaSeen[], changes: Partial<PoolSeen> = {}, of: Partial<PoolSpec> = {}) =>
  decide(NOW, spec(of), seen(ready, replicas, changes), restedState());

describe('what is wanted', () => {
  it('is what the work asks for, where the target takes on nothing, a budget leaves nothing or the pool is paused', () => {
    expect(wantedOf(decided(40, []))).toBe(2);
    expect(wantedOf(decided(40, [], { growth }))).toBe(2);
    expect(wantedOf(decided(40, [], { grant: { replicas: 0, besides: 0, text: 'budget b' } }))).toBe(2);
    expect(wantedOf(decided(40, [], {}, { pause: 'all', max: 1 }))).toBe(1);
    expect(wantedOf(decided(0, [], { growth }))).toBe(0);
    expect(wantedOf(decided(0, [], { growth }, { fixed: 4 }))).toBe(4);
  });

  it('keeps one of those that are stuck, which shows when the cause is gone', () => {
    const replicas = [stuck('probe', true), stuck('other', false)];
    const decision = decided(40, replicas, { growth });
    expect(decision.to).toBe(0);
    const look = { want: decision.to, wish: wantedOf(decision), replicas, hold: null, answers: {} };
    expect(step(NOW, noScaleIn, look).effects).toEqual([{ kind: 'remove', ids: ['other'], replicas: 0 }]);
  });
});
