// How long a task keeps a slot, learnt from heartbeats by Little's law: slot time spent divided by tasks begun.

/** Slot time and begun tasks, weighted so that at most `cap` tasks are remembered. */
interface Tally {
  readonly busySlotMs: number;
  readonly begun: number;
  /** How many tasks what was expected still counts for; fades as tasks are forgotten. */
  readonly prior: number;
}

/** What has been learnt of a pool's service time. Plain data. */
export interface ServiceTime {
  /** The last 16 tasks or so: follows a change at once. */
  readonly recent: Tally;
  /** The last 400 or so: steady. */
  readonly long: Tally;
}

const RECENT_CAP = 16;
const LONG_CAP = 400;
const nothing: Tally = { busySlotMs: 0, begun: 0, prior: 0.5 };

/** Nothing learnt. */
export const noServiceTime: ServiceTime = { recent: nothing, long: nothing };

/** What was learnt after one more stretch in which slots were busy for `busySlotMs` in total and `begun` tasks began. */
export function learnService(learnt: ServiceTime, busySlotMs: number, begun: number): ServiceTime {
  if (busySlotMs === 0 && begun === 0) return learnt;
  return { recent: add(learnt.recent, busySlotMs, begun, RECENT_CAP), long: add(learnt.long, busySlotMs, begun, LONG_CAP) };
}

/**
 * Mean time a task keeps a slot, in ms; never below 1. The larger of the recent and the long view, since too few replicas are felt and
 * one too many is not.
 * @param expectedMs what the configuration expects; decides alone until something is learnt
 */
export function meanServiceMs(learnt: ServiceTime, expectedMs: number): number {
  const mean = (tally: Tally): number => (tally.busySlotMs + tally.prior * expectedMs) / (tally.begun + tally.prior);
  return Math.max(1, mean(learnt.recent), mean(learnt.long));
}

function add(tally: Tally, busySlotMs: number, begun: number, cap: number): Tally {
  if (begun >= cap) return { busySlotMs: (busySlotMs / begun) * cap, begun: cap, prior: 0 };
  const room = cap - begun;
  const keep = tally.begun > room ? room / tally.begun : 1;
  return { busySlotMs: tally.busySlotMs * keep + busySlotMs, begun: tally.begun * keep + begun, prior: tally.prior * keep };
}
