import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Gaps, learnGaps, noGaps, worthKeeping } from '../../src/window/gaps.ts';

const S = 1_000;
/** Needs as [second, replicas], one after another. */
const after = (needs: readonly (readonly [number, number])[]): Gaps =>
  needs.reduce((gaps, [second, replicas]) => learnGaps(gaps, second * S, replicas), noGaps);
/** A need for `replicas` of 10 s at the beginning of every period. */
const regular = (everyS: number, replicas: number, times: number): Gaps =>
  after(
    Array.from({ length: times }, (_, index) => index * everyS + 1).flatMap(
      (at) =>
        [
          [at, replicas],
          [at + 10, replicas],
          [at + 11, 0],
        ] as const,
    ),
  );

describe('what is worth keeping', () => {
  it('nothing, where nothing was needed', () => {
    expect(worthKeeping(noGaps, 0, 60 * S)).toBeNull();
  });

  it('as long as a start is worth, while nothing is known', () => {
    const gaps = after([
      [1, 1],
      [10, 1],
      [11, 0],
    ]);
    expect(worthKeeping(gaps, 20 * S, 60 * S)).toMatchObject({ replicas: 1 });
    expect(worthKeeping(gaps, 71 * S, 60 * S)).toBeNull();
  });

  it('what comes back sooner than a start is worth, until it should have come', () => {
    const gaps = regular(60, 5, 10);
    const at = 9 * 60 + 1;
    expect(worthKeeping(gaps, (at + 40) * S, 100 * S)).toMatchObject({ replicas: 5 });
    // A gap is 50 s, its bin ends at 57 s.
    expect(worthKeeping(gaps, (at + 10 + 58) * S, 100 * S)).toBeNull();
  });

  it('nothing, where it takes longer to come back than a start is worth', () => {
    expect(worthKeeping(regular(400, 5, 10), (9 * 400 + 12) * S, 100 * S)).toBeNull();
  });

  it('the few that come back soon, and not the many that do not', () => {
    // Every minute one, every ten minutes nine.
    const needs = Array.from({ length: 60 }, (_, minute) => minute).flatMap((minute) => [
      [minute * 60 + 1, minute % 10 === 0 ? 9 : 1] as const,
      [minute * 60 + 10, minute % 10 === 0 ? 9 : 1] as const,
      [minute * 60 + 11, 0] as const,
    ]);
    const last = after(needs.slice(0, 51 * 3));
    expect(worthKeeping(last, (50 * 60 + 20) * S, 70 * S)).toMatchObject({ replicas: 1 });
  });

  it('does not take for a gap what never ends', () => {
    const gaps = regular(2_000, 1, 6);
    expect(worthKeeping(gaps, (5 * 2_000 + 12) * S, 100 * S)).toBeNull();
  });

  it('stays small and says until when, whatever is needed', () => {
    const needs = fc.array(fc.tuple(fc.integer({ min: 1, max: 200_000 }), fc.nat(100)), { maxLength: 60 });
    fc.assert(
      fc.property(needs, fc.integer({ min: 1, max: 600_000 }), (steps, worthMs) => {
        let gaps = noGaps;
        let nowMs = 1;
        for (const [stepMs, replicas] of steps) {
          nowMs += stepMs;
          gaps = learnGaps(gaps, nowMs, replicas);
          const kept = worthKeeping(gaps, nowMs, worthMs);
          if (kept !== null) expect(kept.untilMs).toBeGreaterThan(nowMs);
          expect(gaps.needed.map((entry) => entry.replicas)).toEqual(gaps.needed.map((entry) => entry.replicas).toSorted((a, b) => b - a));
        }
        expect(JSON.stringify(gaps.counts).length).toBeLessThan(2_000);
      }),
    );
  });
});
