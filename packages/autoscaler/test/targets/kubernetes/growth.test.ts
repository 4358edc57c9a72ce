import { describe, expect, it } from 'vitest';
import { type GrowthInput, type GrowthState, growthAfter, growthSeen, noGrowthTrouble } from '../../../src/targets/kubernetes/growth.ts';
import { NOW } from '../../pool-fixtures.ts';

const nothing: GrowthInput = {
  nowMs: NOW,
  stuck: [],
  refusal: null,
  refusalNoted: false,
  missing: 0,
  active: 0,
  limits: 'pods 2',
  askedAtMs: NOW - 1_000,
  upSinceMs: null,
  revision: '1',
};
const look = (state: GrowthState, changes: Partial<GrowthInput>): GrowthState => growthAfter(state, { ...nothing, ...changes });
const image = { reason: 'ErrImagePull', text: 'no image' };

describe('growth', () => {
  it('is open while nothing is wrong', () => {
    expect(growthSeen(NOW, look(noGrowthTrouble, {}), 0)).toEqual({ kind: 'open' });
  });

  it('is frozen while a pod is stuck, then tries one until one comes up', () => {
    const stuck = look(noGrowthTrouble, { stuck: [image] });
    expect(growthSeen(NOW, stuck, 1)).toEqual({ kind: 'limited', pending: 0, reason: 'ErrImagePull: no image', untilMs: null });
    const trimmed = look(stuck, { nowMs: NOW + 9_000 });
    expect(growthSeen(NOW + 9_000, trimmed, 0)).toMatchObject({ kind: 'limited', pending: 1 });
    expect(look(trimmed, { upSinceMs: NOW - 1 }).failing).not.toBeNull();
    expect(look(trimmed, { upSinceMs: NOW + 20_000 }).failing).toBeNull();
  });

  it('is open again when the Deployment is another', () => {
    expect(look(look(noGrowthTrouble, { stuck: [image] }), { revision: '2' }).failing).toBeNull();
  });

  it('tries a quota once a minute, then less often, and is open again when what was asked for is made', () => {
    const refused = look(noGrowthTrouble, { refusal: 'exceeded quota', missing: 6 });
    expect(growthSeen(NOW, refused, 0)).toEqual({
      kind: 'limited',
      pending: 0,
      most: 0,
      reason: 'FailedCreate: exceeded quota',
      untilMs: NOW + 60_000,
    });
    // The same refusal seen again, and the shrink to what was made, change nothing.
    let state = look(look(refused, { nowMs: NOW + 500, refusal: 'exceeded quota', missing: 6 }), { nowMs: NOW + 1_000 });
    expect(state.refused).toEqual(refused.refused);
    expect(growthSeen(NOW + 60_000, state, 0)).toMatchObject({ kind: 'limited', pending: 1, untilMs: null });
    const askedAtMs = NOW + 60_000;
    const waits = [60_000, 120_000, 240_000, 300_000, 300_000].slice(1).map((_, index) => {
      const nowMs = askedAtMs + index * 1_000_000;
      state = look(state, { nowMs, askedAtMs: nowMs, refusal: 'exceeded quota', missing: 1 });
      return (state.refused?.probeAtMs ?? 0) - nowMs;
    });
    expect(waits).toEqual([120_000, 240_000, 300_000, 300_000]);
    const later = askedAtMs + 9_000_000;
    expect(look(state, { nowMs: later, askedAtMs: later - 10, missing: 1 }).refused).not.toBeNull();
    expect(look(state, { nowMs: later, askedAtMs: later - 10, missing: 0, active: 1 })).toEqual(noGrowthTrouble);
  });

  it('lets as many pods come back as there was room for, while it waits to try one more', () => {
    let state = look(noGrowthTrouble, { refusal: 'exceeded quota', missing: 5, active: 1 });
    // the second one that was made shows after the refusal
    state = look(state, { nowMs: NOW + 100, refusal: 'exceeded quota', missing: 4, active: 2 });
    expect(growthSeen(NOW + 1_000, state, 0)).toMatchObject({ most: 2 });
    state = look(state, { nowMs: NOW + 20_000, active: 0 });
    expect(growthSeen(NOW + 20_000, state, 0)).toMatchObject({ most: 2, pending: 2 });
    // they are made: that is no room for more
    state = look(state, { nowMs: NOW + 21_000, askedAtMs: NOW + 20_000, active: 2 });
    expect(growthSeen(NOW + 21_000, state, 0)).toMatchObject({ most: 2 });
    expect(growthSeen(NOW + 61_000, state, 0)).toMatchObject({ most: 3 });
    expect(look(state, { nowMs: NOW + 62_000, askedAtMs: NOW + 61_000, active: 3 })).toEqual(noGrowthTrouble);
  });

  it('tries one a second after somebody has changed a quota', () => {
    const refused = look(noGrowthTrouble, { refusal: 'exceeded quota', missing: 4, active: 2 });
    const raised = look(refused, { nowMs: NOW + 5_000, active: 2, limits: 'pods 10' });
    expect(growthSeen(NOW + 5_000, raised, 0)).toMatchObject({ most: 2, untilMs: NOW + 6_000 });
    expect(growthSeen(NOW + 6_000, raised, 0)).toMatchObject({ most: 3, untilMs: null });
    const again = look(raised, {
      nowMs: NOW + 6_000,
      askedAtMs: NOW + 5_500,
      refusal: 'exceeded quota',
      missing: 1,
      active: 2,
      limits: 'pods 10',
    });
    expect(growthSeen(NOW + 6_000, again, 0)).toMatchObject({ most: 2, untilMs: NOW + 66_000 });
  });

  it('waits with a probe until the controller has taken its refusal back', () => {
    const refused = look(noGrowthTrouble, { refusal: 'exceeded quota', refusalNoted: true, missing: 1, active: 2 });
    const late = NOW + 90_000;
    const noted = look(refused, { nowMs: late, refusalNoted: true, active: 2 });
    expect(growthSeen(late, noted, 0)).toMatchObject({ most: 2, untilMs: late + 500 });
    expect(growthSeen(late + 500, look(noted, { nowMs: late + 500, active: 2 }), 0)).toMatchObject({ most: 3 });
  });
});
