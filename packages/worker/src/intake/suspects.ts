import { type Attempt, acksLate, maxDeliveriesOf } from './attempt.ts';

/** An attempt that has run this long is not suspected any more: what ends a whole worker does so sooner, or may take hours. */
export const SUSPECTED_FOR_MS = 60_000;

/**
 * Keeps what may end its worker away from what may not be lost once more. When a worker dies, everything that ran in it has lost one start,
 * and which of them was the cause is not known: all are suspects at their next start. Suspects start beside each other, except that one on
 * its last start starts beside none, so that whoever is put away for good was alone with itself. What has lost no start is not held up.
 */
export class Suspects {
  /** In the order in which they may start. */
  #aside: Attempt[] = [];
  /** Let through, and perhaps not ended. */
  readonly #through = new Set<Attempt>();

  /** How many are kept aside. */
  get aside(): number {
    return this.#aside.length;
  }

  /** Whether it may start now; otherwise it is kept aside until {@link due} has it. */
  admits(attempt: Attempt, nowMs: number): boolean {
    if (!isSuspect(attempt) || this.#through.has(attempt)) return true;
    if (this.#aside.length === 0 && this.#mayStart(attempt, nowMs)) {
      this.#through.add(attempt);
      return true;
    }
    this.#aside.push(attempt);
    return false;
  }

  /** Takes out the next that may start now. */
  due(nowMs: number): Attempt | undefined {
    const [next] = this.#aside;
    if (next === undefined || !this.#mayStart(next, nowMs)) return undefined;
    this.#through.add(next);
    return this.#aside.shift();
  }

  /** When the next one may start at the latest, should nothing that runs end before; null when nothing is aside. */
  dueAtMs(nowMs: number): number | null {
    if (this.#aside.length === 0) return null;
    return Math.max(nowMs, ...[...this.#through].map(({ startedAtMs }) => (startedAtMs ?? nowMs) + SUSPECTED_FOR_MS));
  }

  /** Takes out what fits and is kept aside. */
  remove(fits: (attempt: Attempt) => boolean): Attempt[] {
    const removed = this.#aside.filter(fits);
    this.#aside = this.#aside.filter((attempt) => !removed.includes(attempt));
    return removed;
  }

  /** It will not start here. */
  forget(attempt: Attempt): void {
    this.#through.delete(attempt);
  }

  #mayStart(attempt: Attempt, nowMs: number): boolean {
    const alone = isOnLastStart(attempt);
    for (const other of this.#through) {
      if (other.phase === 'settling' || nowMs - (other.startedAtMs ?? nowMs) >= SUSPECTED_FOR_MS) this.#through.delete(other);
      else if (alone || isOnLastStart(other)) return false;
    }
    return true;
  }
}

function isSuspect({ knownLosses, task }: Attempt): boolean {
  return knownLosses > 0 && acksLate(task);
}

function isOnLastStart({ knownLosses, task }: Attempt): boolean {
  return knownLosses >= maxDeliveriesOf(task) - 1;
}
