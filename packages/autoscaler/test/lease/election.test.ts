import { describe, expect, it } from 'vitest';
import {
  type Contender,
  defaultLeaseTimings,
  type ElectionState,
  initialElection,
  isHeld,
  type LeaseSighting,
  step,
} from '../../src/lease/election.ts';

const us: Contender = { identity: 'us_1', timings: defaultLeaseTimings };
const sighting = (change: Partial<LeaseSighting> = {}): LeaseSighting => ({
  version: '7',
  holder: 'them_1',
  durationMs: 15_000,
  transitions: 3,
  sign: 'a',
  ...change,
});
const knowing = (known: LeaseSighting, change: Partial<ElectionState> = {}): ElectionState => ({
  ...initialElection,
  known,
  knownSinceMs: 1_000,
  ...change,
});
const read = (seen: LeaseSighting | null, random = 0) => ({ kind: 'read', sighting: seen, random }) as const;

describe('whoever does not hold it', () => {
  it('looks first, and creates what is not there', () => {
    expect(step(0, initialElection, { kind: 'due' }, us).effect).toEqual({ kind: 'read' });
    expect(step(0, initialElection, read(null), us).effect).toEqual({ kind: 'write', over: null, takes: true, transitions: 0 });
  });

  it('takes what nobody holds, over the version it saw', () => {
    const { effect } = step(0, initialElection, read(sighting({ holder: '' })), us);
    expect(effect).toEqual({ kind: 'write', over: '7', takes: true, transitions: 4 });
  });

  it('counts the lease duration from when it saw the sign, whatever the record says of its time', () => {
    const first = step(50_000, initialElection, read(sighting()), us);
    expect(first.effect).toEqual({ kind: 'wait', forMs: 2_000 });
    const later = step(64_999, first.state, read(sighting({ version: '8' })), us);
    expect(later.effect).toEqual({ kind: 'wait', forMs: 1 });
    expect(step(65_000, later.state, read(sighting({ version: '9' })), us).effect).toEqual({
      kind: 'write',
      over: '9',
      takes: true,
      transitions: 4,
    });
  });

  it('begins to count anew with every new sign', () => {
    const first = step(0, initialElection, read(sighting()), us);
    const renewed = step(14_000, first.state, read(sighting({ sign: 'b' })), us);
    expect(step(20_000, renewed.state, read(sighting({ sign: 'b' })), us).effect.kind).toBe('wait');
    expect(step(29_000, renewed.state, read(sighting({ sign: 'b' })), us).effect.kind).toBe('write');
  });

  it('counts the duration the record states, and its own where it states none', () => {
    const short = step(0, initialElection, read(sighting({ durationMs: 5_000 })), us).state;
    expect(step(5_000, short, read(sighting({ durationMs: 5_000 })), us).effect.kind).toBe('write');
    const none = step(0, initialElection, read(sighting({ durationMs: null })), us).state;
    expect(step(14_999, none, read(sighting({ durationMs: null })), us).effect.kind).toBe('wait');
  });

  it('waits a jittered retry, and never past the moment the lease is free', () => {
    expect(step(0, initialElection, read(sighting(), 0.5), us).effect).toEqual({ kind: 'wait', forMs: 2_200 });
    expect(step(15_500, knowing(sighting()), read(sighting(), 0.999), us).effect).toEqual({ kind: 'wait', forMs: 500 });
  });

  it('waits for a holder whose record was deleted as if it were still there', () => {
    const knew = knowing(sighting());
    expect(step(5_000, knew, read(null), us).effect).toEqual({ kind: 'wait', forMs: 2_000 });
    expect(step(16_000, knew, read(null), us).effect).toEqual({ kind: 'write', over: null, takes: true, transitions: 4 });
  });

  it('looks again at once after a refusal, and only once', () => {
    const refused = step(0, knowing(sighting({ holder: '' })), { kind: 'refused', random: 0 }, us);
    expect(refused.effect).toEqual({ kind: 'read' });
    expect(step(0, refused.state, { kind: 'refused', random: 0 }, us).effect).toEqual({ kind: 'wait', forMs: 2_000 });
  });
});

describe('the holder', () => {
  const held = knowing(sighting({ holder: 'us_1' }), { heldUntilMs: 20_000 });

  it('counts the renew deadline from before its request, and asks again a retry later', () => {
    const { state, effect } = step(1_400, held, { kind: 'written', sighting: sighting({ holder: 'us_1' }), askedAtMs: 1_000 }, us);
    expect(state.heldUntilMs).toBe(11_000);
    expect(effect).toEqual({ kind: 'wait', forMs: 1_600 });
    expect(isHeld(10_999, state)).toBe(true);
    expect(isHeld(11_000, state)).toBe(false);
  });

  it('renews over the version it knows without looking first', () => {
    expect(step(3_000, held, { kind: 'due' }, us).effect).toEqual({ kind: 'write', over: '7', takes: false, transitions: 3 });
  });

  it('gains nothing from seeing itself named: its write may be older than it thinks', () => {
    const lapsed = knowing(sighting({ holder: 'us_1' }), { heldUntilMs: 500 });
    const { state, effect } = step(1_000, lapsed, read(sighting({ holder: 'us_1', version: '9' })), us);
    expect(isHeld(1_000, state)).toBe(false);
    expect(effect).toEqual({ kind: 'write', over: '9', takes: false, transitions: 3 });
  });

  it('looks when it cannot know whether its write was carried out', () => {
    expect(step(3_000, held, { kind: 'failed', random: 0 }, us)).toMatchObject({
      effect: { kind: 'read' },
      state: { heldUntilMs: 20_000 },
    });
  });

  it('stops at once where somebody else is named, or the record is gone', () => {
    expect(isHeld(3_000, step(3_000, held, read(sighting()), us).state)).toBe(false);
    const gone = step(3_000, held, read(null), us);
    expect(isHeld(3_000, gone.state)).toBe(false);
    expect(gone.effect).toEqual({ kind: 'write', over: null, takes: true, transitions: 4 });
  });
});
