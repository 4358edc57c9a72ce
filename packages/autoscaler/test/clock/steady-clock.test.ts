import { describe, expect, it } from 'vitest';
import { createSteadyClock, wallClock } from '../../src/clock/steady-clock.ts';

const NOON = Date.UTC(2026, 0, 1, 12);
const HOURS_2 = 7_200_000;

function clocks() {
  const at = { wallMs: NOON, monotonicMs: 500.25 };
  const pass = (ms: number): void => {
    at.wallMs += ms;
    at.monotonicMs += ms;
  };
  const clock = createSteadyClock(
    () => at.wallMs,
    () => at.monotonicMs,
  );
  return { at, pass, clock };
}

describe('a steady clock', () => {
  it('goes with the wall clock as long as nobody sets that', () => {
    const { pass, clock } = clocks();
    expect(clock.now()).toBe(NOON);
    pass(90_000);
    expect(clock.now()).toBe(NOON + 90_000);
    expect(clock.fromWall(NOON + 100_000)).toBe(NOON + 100_000);
    expect(clock.toWall(NOON + 100_000)).toBe(NOON + 100_000);
  });

  it.each([HOURS_2, -HOURS_2])('goes on when the wall clock is set by %s ms, and translates what others say by theirs', (byMs) => {
    const { at, pass, clock } = clocks();
    pass(1_000);
    at.wallMs += byMs;
    expect(clock.now()).toBe(NOON + 1_000);
    pass(5_000);
    expect(clock.now()).toBe(NOON + 6_000);
    // due in a minute by the wall clock is due in a minute
    expect(clock.fromWall(at.wallMs + 60_000)).toBe(clock.now() + 60_000);
    expect(clock.toWall(clock.now())).toBe(at.wallMs);
    expect(clock.latest()).toBe(Math.max(clock.now(), at.wallMs));
    at.wallMs -= byMs;
    expect(clock.toWall(clock.now())).toBe(at.wallMs);
  });

  it('takes a wall clock that is slewed for its own', () => {
    const { at, pass, clock } = clocks();
    pass(1_000);
    at.wallMs += 400;
    expect(clock.fromWall(NOON + 60_000)).toBe(NOON + 60_000);
  });

  it('is whole ms', () => {
    const { at, clock } = clocks();
    at.monotonicMs += 0.5;
    expect(Number.isInteger(clock.now())).toBe(true);
  });

  it('may be a clock that nobody sets', () => {
    const clock = wallClock(() => 7);
    expect([clock.now(), clock.fromWall(3), clock.toWall(3), clock.latest()]).toEqual([7, 3, 3, 7]);
  });
});
