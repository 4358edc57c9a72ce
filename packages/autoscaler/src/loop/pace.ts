/** What the time of the next turn depends on. */
export interface Pace {
  /** Nothing runs and nothing is wanted. */
  readonly atZero: boolean;
  /** A growth of its queues wakes the pool. */
  readonly armed: boolean;
  /** When its queues last grew from empty, epoch ms. */
  readonly grewAtMs: number;
  /** When the clock alone changes the decision, epoch ms. */
  readonly wakeAtMs: number | null;
}

/** How a pool keeps step with the others. */
export interface Rhythm {
  /** Where in each interval its regular turns lie, 0 to less than 1. */
  readonly phase: number;
  /** Between regular turns at zero, where a watch wakes it: only a second line of defence, since a notice may get lost. */
  readonly idleMs: number;
}

const TICK_MS = 1_000;
const IDLE_MS = 5_000;
/** Beyond 250 pools at zero, fifty turns a second are enough for all of them. */
const IDLE_MS_PER_POOL = 20;
const LONGEST_IDLE_MS = 30_000;
/** Pools of one phase share their questions to the broker. */
const PHASES = 20;
/** While a burst that woke the pool is still arriving. */
const BURST_MS = 50;
const BURST_FOR_MS = 500;

/** The rhythm of one pool of many: by its name, so that pools that began together do not go on together. Pure. */
export function rhythmOf(pool: string, pools: number): Rhythm {
  let hash = 0;
  for (let at = 0; at < pool.length; at += 1) hash = (hash * 31 + pool.charCodeAt(at)) % 1_000_003;
  return { phase: (hash % PHASES) / PHASES, idleMs: Math.min(LONGEST_IDLE_MS, Math.max(IDLE_MS, IDLE_MS_PER_POOL * pools)) };
}

/** How long to wait before the next turn, in ms. Pure. */
export function nextTickMs(nowMs: number, pace: Pace, rhythm: Rhythm): number {
  const usual =
    nowMs - pace.grewAtMs < BURST_FOR_MS ? BURST_MS : untilNext(nowMs, pace.atZero && pace.armed ? rhythm.idleMs : TICK_MS, rhythm.phase);
  if (pace.wakeAtMs === null) return usual;
  return Math.max(1, Math.min(usual, pace.wakeAtMs - nowMs));
}

/** Until the next moment of this phase, but never right behind a turn that came out of step. */
function untilNext(nowMs: number, everyMs: number, phase: number): number {
  const sinceMs = (nowMs - phase * everyMs) % everyMs;
  const waitMs = everyMs - (sinceMs < 0 ? sinceMs + everyMs : sinceMs);
  return waitMs < everyMs / 4 ? waitMs + everyMs : waitMs;
}
