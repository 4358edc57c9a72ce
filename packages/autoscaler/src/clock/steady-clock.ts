/**
 * A clock whose hours are all of the same length. It began with the wall clock and cannot be set, so that no delay ends early or late when
 * the wall clock is. What others say by their wall clocks (when a task is due, when a schedule changes) is translated.
 */
export interface SteadyClock {
  /** Epoch ms by this clock, whole. */
  now(): number;
  /** Its moment for one of the wall clock, both epoch ms. */
  fromWall(wallMs: number): number;
  /** The wall clock's moment for one of its own, both epoch ms. */
  toWall(steadyMs: number): number;
  /** The later of the two, epoch ms: what ends by it does not end before its time for anybody who goes by either. */
  latest(): number;
}

/** Less than this the wall clock differs by being slewed and read at another moment, ms. */
const SET_MS = 1_000;

/**
 * Makes one that begins now.
 * @param wall epoch ms; may be set while it runs
 * @param monotonic ms since any moment; goes on while nobody can set it
 */
export function createSteadyClock(wall: () => number = Date.now, monotonic: () => number = () => performance.now()): SteadyClock {
  const beganMs = wall() - monotonic();
  const now = (): number => Math.floor(beganMs + monotonic());
  const setBy = (): number => {
    const byMs = wall() - now();
    return Math.abs(byMs) < SET_MS ? 0 : byMs;
  };
  return { now, fromWall: (wallMs) => wallMs - setBy(), toWall: (steadyMs) => steadyMs + setBy(), latest: () => Math.max(now(), wall()) };
}

/** One that is the wall clock: for a clock that nobody sets, such as that of a simulation. */
export function wallClock(now: () => number): SteadyClock {
  return { now, fromWall: (atMs) => atMs, toWall: (atMs) => atMs, latest: now };
}
