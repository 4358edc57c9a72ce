import type { Attempt } from './attempt.ts';

/** Short waits for an eta. Longer ones are parked with the broker, so this stays small; it is kept in order of time. */
export class Held {
  readonly #attempts: Attempt[] = [];
  readonly #now: () => number;
  readonly #onDue: (attempts: readonly Attempt[]) => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: { readonly now: () => number; readonly onDue: (attempts: readonly Attempt[]) => void }) {
    this.#now = options.now;
    this.#onDue = options.onDue;
  }

  add(attempt: Attempt, untilMs: number): void {
    attempt.phase = 'held';
    attempt.heldUntilMs = untilMs;
    this.#attempts.splice(this.#placeOf(untilMs), 0, attempt);
    this.#arm();
  }

  /** Takes out every attempt that fits. */
  remove(fits: (attempt: Attempt) => boolean): Attempt[] {
    const taken = this.#attempts.filter(fits);
    if (taken.length === 0) return taken;
    const left = this.#attempts.filter((attempt) => !fits(attempt));
    this.#attempts.splice(0, this.#attempts.length, ...left);
    this.#arm();
    return taken;
  }

  /** In order of time. */
  get attempts(): readonly Attempt[] {
    return this.#attempts;
  }

  /** The first place behind everything that is due no later. */
  #placeOf(untilMs: number): number {
    let low = 0;
    let high = this.#attempts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#attempts[middle] as Attempt).heldUntilMs <= untilMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const first = this.#attempts[0];
    this.#timer = first === undefined ? undefined : setTimeout(() => this.#fire(), Math.max(1, Math.ceil(first.heldUntilMs - this.#now())));
  }

  #fire(): void {
    const due = this.#attempts.splice(0, this.#placeOf(this.#now()));
    this.#arm();
    if (due.length > 0) this.#onDue(due);
  }
}
