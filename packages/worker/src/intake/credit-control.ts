import type { Consumer } from '@celeriac/brokers';
import type { CarryOut } from '../outcome/carry-out.ts';
import type { Pool } from '../pool/pool.ts';
import type { RunTimes } from '../strategy/run-times.ts';
import type { Attempt } from './attempt.ts';
import type { Booking } from './booking.ts';
import { creditFor } from './credit.ts';
import type { Hand } from './hand.ts';
import type { Held } from './held.ts';

/** The credit is reconsidered at most this often while there is work. */
const EVERY_MS = 20;
/** A task that has run this long promises nothing about its slot. */
const LONG_MS = 100;

export interface CreditControlOptions {
  readonly consumer: () => Consumer | undefined;
  readonly pool: Pool;
  readonly hand: Hand;
  readonly held: Held;
  readonly booking: Booking;
  readonly carryOut: CarryOut;
  readonly runTimes: RunTimes;
  readonly now: () => number;
  /** Gives back what has waited for a slot too long behind tasks that run long. */
  readonly onStuck: () => void;
}

/** Tells the consumer how much it may hold, from what is measured. */
export class CreditControl {
  readonly #options: CreditControlOptions;
  #timer: NodeJS.Timeout | undefined;
  #credit = 0;
  #closed = true;

  constructor(options: CreditControlOptions) {
    this.#options = options;
  }

  get credit(): number {
    return this.#credit;
  }

  open(): void {
    this.#closed = false;
    this.#decide();
  }

  /** Takes nothing more, from now on. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#decide();
  }

  /** Something changed; the decision follows shortly. */
  update(): void {
    if (this.#closed || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#decide();
      if (this.#options.hand.size > 0) this.update();
    }, EVERY_MS);
  }

  #decide(): void {
    const { consumer, pool, hand, held, booking, carryOut, runTimes, now, onStuck } = this.#options;
    const nowMs = now();
    const long = longRunning(hand.running, nowMs);
    const load = {
      slots: pool.slots.total,
      longRunning: long.count,
      longRunningAcked: long.acked,
      holding: held.attempts.length + hand.twinCount,
      aside: booking.aside,
      meanRunMs: runTimes.meanMs,
      closed: this.#closed || carryOut.isFull,
    };
    const credit = creditFor(load, this.#credit);
    if (long.count > 0 && long.count >= load.slots && !this.#closed) onStuck();
    if (credit === this.#credit) return;
    this.#credit = credit;
    consumer()?.setCredit(credit);
  }
}

function longRunning(running: ReadonlySet<Attempt>, nowMs: number): { readonly count: number; readonly acked: number } {
  let count = 0;
  let acked = 0;
  for (const attempt of running) {
    if (attempt.startedAtMs === null || nowMs - attempt.startedAtMs < LONG_MS) continue;
    count += 1;
    if (attempt.acked) acked += 1;
  }
  return { count, acked };
}
