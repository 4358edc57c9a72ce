import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allowedColdStartMs, learnColdStart, noColdStart } from '../../src/window/cold-start.ts';
import { type HighWater, highest, raise } from '../../src/window/high-water.ts';
import { learnService, meanServiceMs, noServiceTime, type ServiceTime } from '../../src/window/service-time.ts';

describe('the high water of a window', () => {
  it('is the maximum of what was wanted within it, whatever the order', () => {
    const wishes = fc.array(fc.record({ stepMs: fc.integer({ min: 0, max: 50 }), replicas: fc.integer({ min: 0, max: 9 }) }), {
      minLength: 1,
    });
    fc.assert(
      fc.property(wishes, fc.integer({ min: 0, max: 100 }), (steps, windowMs) => {
        let window: HighWater = [];
        let atMs = 0;
        const all: { atMs: number; replicas: number }[] = [];
        for (const { stepMs, replicas } of steps) {
          atMs += stepMs;
          all.push({ atMs, replicas });
          window = raise(window, { atMs, replicas }, windowMs);
          const inside = all.filter((entry, index) => index === all.length - 1 || entry.atMs + windowMs > atMs);
          expect(highest(window)?.replicas).toBe(Math.max(...inside.map((entry) => entry.replicas)));
          expect(window.length).toBeLessThanOrEqual(10);
        }
      }),
    );
  });
});

describe('service time', () => {
  /** `slots` busy for `seconds`, one decision each second, a task beginning in each slot every `serviceS`. */
  const run = (learnt: ServiceTime, slots: number, serviceS: number, seconds: number): ServiceTime => {
    let next = learnt;
    let begun = 0;
    for (let second = 0; second < seconds; second += 1) {
      const due = Math.ceil((second + 1) / serviceS) * slots;
      next = learnService(next, slots * 1_000, due - begun);
      begun = due;
    }
    return next;
  };

  it('is what was expected until something is learnt', () => {
    expect(meanServiceMs(noServiceTime, 1_234)).toBe(1_234);
  });

  it.each([
    [4, 2, 200],
    [8, 30, 600],
    [1, 10, 600],
  ])('with %i slots and tasks of %i s is learnt to a tenth', (slots, serviceS, seconds) => {
    const mean = meanServiceMs(run(noServiceTime, slots, serviceS, seconds), 1_000);
    expect(mean).toBeGreaterThan(serviceS * 900);
    expect(mean).toBeLessThan(serviceS * 1_150);
  });

  it('grows while long tasks run, before the first has ended', () => {
    const after10s = meanServiceMs(run(noServiceTime, 8, 3_600, 10), 1_000);
    expect(after10s).toBeGreaterThan(8_000);
  });

  it('follows within a round when tasks of milliseconds give way to tasks of 30 s', () => {
    let learnt = noServiceTime;
    for (let second = 0; second < 60; second += 1) learnt = learnService(learnt, 200, 1_000);
    expect(meanServiceMs(learnt, 1_000)).toBe(1);
    learnt = run(learnt, 8, 30, 30);
    expect(meanServiceMs(learnt, 1_000)).toBeGreaterThan(10_000);
    learnt = run(learnt, 8, 30, 90);
    expect(meanServiceMs(learnt, 1_000)).toBeGreaterThan(20_000);
  });

  it('stays finite and positive whatever is fed to it', () => {
    const feed = fc.array(fc.tuple(fc.integer({ min: 0, max: 1e9 }), fc.integer({ min: 0, max: 1e7 })));
    fc.assert(
      fc.property(feed, (steps) => {
        const learnt = steps.reduce((before, [busySlotMs, begun]) => learnService(before, busySlotMs, begun), noServiceTime);
        const mean = meanServiceMs(learnt, 1_000);
        expect(Number.isFinite(mean) && mean >= 1).toBe(true);
        expect(learnt.recent.begun).toBeLessThanOrEqual(16.001);
        expect(learnt.long.begun).toBeLessThanOrEqual(400.001);
      }),
    );
  });
});

describe('cold start', () => {
  it('is what was expected, then what was seen, then allows for the spread', () => {
    expect(allowedColdStartMs(noColdStart, 5_000)).toBe(5_000);
    const steady = [400, 400, 400, 400, 400, 400, 400, 400].reduce(learnColdStart, noColdStart);
    expect(allowedColdStartMs(steady, 5_000)).toBeLessThan(450);
    const spread = [400, 2_000, 300, 2_500, 350, 1_900].reduce(learnColdStart, noColdStart);
    expect(allowedColdStartMs(spread, 5_000)).toBeGreaterThan(1_900);
  });
});
