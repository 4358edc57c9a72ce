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

const TICK_MS = 1_000;
/** At zero with a watch that wakes: only a second line of defence, since a notice may get lost. */
const IDLE_MS = 5_000;
/** While a burst that woke the pool is still arriving. */
const BURST_MS = 50;
const BURST_FOR_MS = 500;

/** How long to wait before the next turn, in ms. Pure. */
export function nextTickMs(nowMs: number, pace: Pace): number {
  const usual = nowMs - pace.grewAtMs < BURST_FOR_MS ? BURST_MS : pace.atZero && pace.armed ? IDLE_MS : TICK_MS;
  if (pace.wakeAtMs === null) return usual;
  return Math.max(1, Math.min(usual, pace.wakeAtMs - nowMs));
}
