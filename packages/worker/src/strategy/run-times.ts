/** Runs of one task name before anything is concluded from them. */
const ENOUGH_RUNS = 3;
/** A task whose recent runs all stayed below this may wait in a child behind another such task. */
const SHORT_MS = 20;
/** How much of a past peak counts after one more run. */
const PEAK_DECAY = 0.98;
const WEIGHT = 0.1;
/** Longer runs count as this in the mean over all tasks, so that one of them does not hide a thousand small ones. */
const LONGEST_IN_MEAN_MS = 200;

interface Measured {
  runs: number;
  meanMs: number;
  peakMs: number;
}

/**
 * Measured run times by task name: what is short enough to be pipelined, and how much work lies ahead of a slot.
 * Holds one entry for each registered task; knows no clock.
 */
export class RunTimes {
  readonly #byName = new Map<string, Measured>();
  #meanMs: number | null = null;

  /** Takes the duration of one run. */
  record(taskName: string, durationMs: number): void {
    const ms = Math.max(0, durationMs);
    const clipped = Math.min(ms, LONGEST_IN_MEAN_MS);
    this.#meanMs = this.#meanMs === null ? clipped : this.#meanMs + WEIGHT * (clipped - this.#meanMs);
    const known = this.#byName.get(taskName);
    if (known === undefined) {
      this.#byName.set(taskName, { runs: 1, meanMs: ms, peakMs: ms });
      return;
    }
    known.runs += 1;
    known.meanMs += WEIGHT * (ms - known.meanMs);
    known.peakMs = Math.max(ms, known.peakMs * PEAK_DECAY);
  }

  /** Whether its recent runs are known to have been short. False until enough of them were seen. */
  isShort(taskName: string): boolean {
    const known = this.#byName.get(taskName);
    return known !== undefined && known.runs >= ENOUGH_RUNS && known.peakMs < SHORT_MS;
  }

  /** Mean over the recent runs of all tasks in milliseconds, null before the first. */
  get meanMs(): number | null {
    return this.#meanMs;
  }

  /** Forgets names that are no longer registered. */
  keepOnly(names: ReadonlySet<string>): void {
    for (const name of this.#byName.keys()) if (!names.has(name)) this.#byName.delete(name);
  }
}
