import type { Consumer, EventDispatcher, Logger } from '@celeriac/brokers';
import type { Booking } from './intake/booking.ts';
import type { CreditControl } from './intake/credit-control.ts';
import type { Hand } from './intake/hand.ts';
import type { Held } from './intake/held.ts';
import type { Intake } from './intake/intake.ts';
import type { CarryOut } from './outcome/carry-out.ts';
import type { Outcomes } from './outcome/outcomes.ts';
import type { Pool } from './pool/pool.ts';
import type { WorkerEnd } from './worker-options.ts';

/** After the last run has ended, results and acknowledgements have this long. */
const SETTLE_MS = 5_000;
const SETTLE_HURRIED_MS = 1_000;
/** Closing a connection to a server that does not answer ends after this. */
const CLOSE_MS = 2_000;

export interface DrainOptions {
  readonly consumer: () => Consumer | undefined;
  readonly credit: CreditControl;
  readonly intake: Intake;
  readonly booking: Booking;
  readonly held: Held;
  readonly hand: Hand;
  readonly outcomes: Outcomes;
  readonly carryOut: CarryOut;
  readonly pool: Pool;
  readonly dispatcher: EventDispatcher;
  readonly logger: Logger;
  /** Closed at the end, side by side: control, http, transport, backend. */
  readonly closeRest: () => readonly Promise<unknown>[];
}

/**
 * The end of a worker: take nothing more, give back what has not begun, finish what runs by a deadline, settle it, leave. `hurry` brings
 * the deadline to now; what is then still running is given back by its broker as not lost.
 */
export class Drain {
  readonly #options: DrainOptions;
  readonly #deadline = new AbortController();
  #running: Promise<WorkerEnd> | undefined;

  constructor(options: DrainOptions) {
    this.#options = options;
  }

  get hasBegun(): boolean {
    return this.#running !== undefined;
  }

  /** Begins at the first call; every call resolves with the same end. */
  begin(timeoutMs: number): Promise<WorkerEnd> {
    this.#running ??= this.#run(timeoutMs);
    return this.#running;
  }

  hurry(): void {
    this.#deadline.abort();
  }

  async #run(timeoutMs: number): Promise<WorkerEnd> {
    const { consumer, credit, intake, hand, outcomes, pool, logger } = this.#options;
    outcomes.draining = true;
    intake.close();
    credit.close();
    const closed = consumer()
      ?.close()
      .catch((error: unknown) => logger.debug({ err: error }, 'consumer not closed'));
    const handedBack = this.#handBack();
    const ranAtFirst = hand.running.size;
    logger.info({ running: ranAtFirst, handedBack, timeoutMs }, 'draining: nothing more is taken');

    const timer = setTimeout(() => this.#deadline.abort(), timeoutMs);
    await pool.close(this.#deadline.signal);
    clearTimeout(timer);
    await this.#settle();
    await within(CLOSE_MS, closed);
    await this.#leave();
    const interrupted = Math.min(ranAtFirst, outcomes.interrupted);
    return { finished: ranAtFirst - interrupted, interrupted, handedBack: handedBack + intake.handedBack };
  }

  /** Everything that has not begun, at once and whole. */
  #handBack(): number {
    const { booking, held, hand, intake } = this.#options;
    booking.close();
    const attempts = [...booking.remove(() => true), ...held.remove(() => true)];
    attempts.push(...[...hand.all()].filter((attempt) => attempt.phase === 'checking'));
    for (const attempt of attempts) intake.handBack(attempt);
    const twins = hand.removeTwins((twin) => hand.get(twin.request.id)?.phase !== 'running');
    for (const twin of twins) intake.handBackTwin(twin);
    return attempts.length + twins.length;
  }

  async #settle(): Promise<void> {
    const { carryOut, logger } = this.#options;
    await within(this.#deadline.signal.aborted ? SETTLE_HURRIED_MS : SETTLE_MS, carryOut.whenIdle());
    if (carryOut.pending > 0) logger.warn({ pending: carryOut.pending }, 'not everything could be settled; the broker hands it out again');
    carryOut.giveUp();
  }

  async #leave(): Promise<void> {
    await this.#options.dispatcher.stop(AbortSignal.timeout(CLOSE_MS));
    await Promise.all(this.#options.closeRest().map((closing) => within(CLOSE_MS, closing)));
  }
}

/** Resolves when the promise has settled, or after `ms`. */
function within(ms: number, promise: Promise<unknown> | undefined): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    const end = (): void => {
      clearTimeout(timer);
      resolve();
    };
    Promise.resolve(promise).then(end, end);
  });
}
