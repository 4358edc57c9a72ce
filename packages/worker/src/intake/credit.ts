/** How much work may lie ahead of the slots. */
const AHEAD_MS = 100;
const MAX_AHEAD = 1_000;
/** Credit grows at most this much from one decision to the next, so that a first, lucky measurement does not hoard. */
const MAX_GROWTH = 4;
/** Claims that need no slot are rounded up to this, so that each single hold does not change the credit. */
const HOLD_STEP = 16;

/** What the credit follows. */
export interface Load {
  readonly slots: number;
  /** Slots whose task has run for longer than a short task does: nothing can be promised behind them. */
  readonly longRunning: number;
  /** Of those, how many are acknowledged already and so do not count against the credit. */
  readonly longRunningAcked: number;
  /** Claims that wait for a time or for an answer and need no slot yet. */
  readonly holding: number;
  /** Claims kept aside until another task has ended: they take no place from what may start, as long as they are no more than the slots. */
  readonly aside: number;
  /** Mean run time over the recent runs, null before the first. */
  readonly meanRunMs: number | null;
  /** Whether nothing may be taken now (drain, a backend that does not store). */
  readonly closed: boolean;
}

/**
 * How many deliveries the worker may hold unsettled: its slots, and of small tasks about 100 ms of work ahead of them.
 * Steps are powers of two with hysteresis, as a change of it costs a round trip on AMQP.
 * @param previous what the last call returned; 0 at first
 */
export function creditFor(load: Load, previous: number): number {
  if (load.closed) return 0;
  const held = Math.ceil(load.holding / HOLD_STEP) * HOLD_STEP;
  const least = Math.max(0, load.slots - load.longRunningAcked) + held + Math.min(load.aside, load.slots);
  const ahead = aheadOf(load);
  if (ahead === 0) return least;
  const wanted = least + ahead;
  if (previous <= 0) return least;
  if (wanted > previous) return wanted >= previous * 1.5 ? Math.min(wanted, Math.max(previous, load.slots, 1) * MAX_GROWTH) : previous;
  return wanted < previous / 2 ? wanted : previous;
}

/** How many tasks of the mean size the slots that are not stuck finish in 100 ms, rounded down to a power of two. */
function aheadOf(load: Load): number {
  if (load.meanRunMs === null) return 0;
  const quick = Math.max(0, load.slots - load.longRunning);
  const fit = (quick * AHEAD_MS) / Math.max(load.meanRunMs, 0.01);
  if (fit >= MAX_AHEAD) return MAX_AHEAD;
  return fit < quick || fit < 1 ? 0 : 2 ** Math.floor(Math.log2(fit));
}
