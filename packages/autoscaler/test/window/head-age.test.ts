import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { emptyHead, followHead, headAgeMs, type QueueHead } from '../../src/window/head-age.ts';

/** Looks as [second, depth, taken], one after another. */
const after = (looks: readonly (readonly [number, number, number])[]): QueueHead =>
  looks.reduce((head, [second, ready, taken]) => followHead(head, second * 1_000, ready, taken), emptyHead);
const ageS = (head: QueueHead, second: number): number | null => {
  const age = headAgeMs(head, second * 1_000);
  return age === null ? null : age / 1_000;
};

describe("the age of a queue's head", () => {
  it('is none where nothing waits', () => {
    expect(ageS(emptyHead, 5)).toBeNull();
    expect(
      ageS(
        after([
          [1, 3, 0],
          [2, 0, 3],
        ]),
        5,
      ),
    ).toBeNull();
  });

  it('counts from when the oldest was first seen', () => {
    expect(
      ageS(
        after([
          [1, 3, 0],
          [5, 6, 0],
        ]),
        9,
      ),
    ).toBe(8);
  });

  it('moves on as tasks leave, first come first served', () => {
    // Three at 1 s, three at 5 s; three have left by 8 s.
    expect(
      ageS(
        after([
          [1, 3, 0],
          [5, 6, 0],
          [8, 3, 3],
        ]),
        9,
      ),
    ).toBe(4);
  });

  it('sees by what workers took that the depth stands still and the head does not', () => {
    expect(
      ageS(
        after([
          [1, 3, 0],
          [5, 3, 3],
        ]),
        9,
      ),
    ).toBe(4);
  });

  it('does not count a second time what a heartbeat tells late', () => {
    // Two left at 3 s; the heartbeat of 5 s tells it.
    expect(
      ageS(
        after([
          [1, 4, 0],
          [3, 2, 0],
          [5, 2, 2],
        ]),
        9,
      ),
    ).toBe(8);
  });

  it('follows any queue within its limits', () => {
    const looks = fc.array(fc.tuple(fc.integer({ min: 1, max: 60 }), fc.nat(10_000), fc.nat(1_000)), { minLength: 1, maxLength: 80 });
    fc.assert(
      fc.property(looks, (steps) => {
        let head = emptyHead;
        let second = 0;
        for (const [step, ready, taken] of steps) {
          second += step;
          head = followHead(head, second * 1_000, ready, taken);
          expect(head.batches.reduce((sum, batch) => sum + batch.tasks, 0)).toBe(ready);
          expect(head.batches.length).toBeLessThanOrEqual(12);
          if (ready > 0) expect(ageS(head, second)).toBeLessThanOrEqual(second);
        }
      }),
    );
  });
});
