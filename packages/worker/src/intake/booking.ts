import type { Logger, ResultBackend } from '@celeriac/brokers';
import type { Job, Pool } from '../pool/pool.ts';
import type { RunTimes } from '../strategy/run-times.ts';
import { type Attempt, acksLate, maxDeliveriesOf } from './attempt.ts';
import { Suspects } from './suspects.ts';
import { WaitingLine } from './waiting-line.ts';

/** A pipelined job that still runs after this long gets its start recorded. */
const MARK_AFTER_MS = 10;
/** Pause before a start that could not be recorded is tried again. */
const RECORD_AGAIN_MS = 200;

/** Limits for tasks and messages that state none, in seconds; null for none. */
export interface DefaultLimits {
  readonly timeLimitS: number | null;
  readonly softTimeLimitS: number | null;
}

export interface BookingOptions {
  readonly pool: Pool;
  readonly runTimes: RunTimes;
  readonly backend: ResultBackend | null;
  readonly limits: DefaultLimits;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly logger: Logger;
  /** Asked right before the start: false when it must not start any more, and has been dealt with. */
  readonly mayStart: (attempt: Attempt) => boolean;
  /** Too many starts were counted; it has not been started. */
  readonly onLostTooOften: (attempt: Attempt) => void;
  /** It will not be started here: its claim is lost, or the worker takes no more. */
  readonly onUnstarted: (attempt: Attempt, why: 'lost' | 'closed') => void;
}

/**
 * Hands waiting attempts to the pool, in order. The start of what cannot be known to have begun is recorded with the broker before it is
 * handed over; tasks measured to be short are handed over at once, and recorded if they still run a little later. What may have ended a worker
 * before waits for its turn among {@link Suspects}, and holds up nothing else.
 */
export class Booking {
  readonly #options: BookingOptions;
  readonly #line = new WaitingLine<Attempt>();
  readonly #suspects = new Suspects();
  /** Attempts whose start is being recorded: each will take a slot. */
  readonly #recording = new Set<Attempt>();
  #unmarked: Attempt[] = [];
  #markTimer: NodeJS.Timeout | undefined;
  #suspectTimer: NodeJS.Timeout | undefined;
  #open = true;

  constructor(options: BookingOptions) {
    this.#options = options;
  }

  /** Puts an attempt at the end of the line; `book` follows. */
  add(attempt: Attempt): void {
    attempt.phase = 'waiting';
    this.#line.push(attempt);
  }

  /** Puts back what the pool has not begun, in front of what came later. */
  putBack(attempt: Attempt): void {
    attempt.phase = 'waiting';
    this.#line.unshift(attempt);
  }

  /** Hands over what fits now. */
  book(): void {
    if (!this.#open) return;
    this.#readmit();
    for (;;) {
      const attempt = this.#line.peek();
      if (attempt === undefined) return;
      if (!this.#options.mayStart(attempt)) {
        this.#line.shift();
        this.#suspects.forget(attempt);
        this.#readmit();
        continue;
      }
      if (!this.#suspects.admits(attempt, this.#options.now())) {
        this.#line.shift();
        this.#wakeForSuspects();
        continue;
      }
      const pipelined = this.#isPipelined(attempt);
      if (pipelined || attempt.marked || !acksLate(attempt.task)) {
        if (this.#recording.size > 0 && this.#freeSlots() <= 0) return;
        if (!this.#submit(attempt, pipelined)) return;
        this.#line.shift();
        continue;
      }
      if (this.#freeSlots() <= 0) return;
      const recorded = this.#record(attempt);
      if (recorded === undefined) continue;
      this.#line.shift();
      this.#recording.add(attempt);
      recorded.then(
        () => this.#afterRecord(attempt),
        (error: unknown) => this.#recordFailed(attempt, error),
      );
    }
  }

  /** How many of the next deliveries would start at once. */
  startsAtOnce(): number {
    return this.#open ? Math.max(0, this.#freeSlots() - this.#line.length) : 0;
  }

  /** Notes that a job has begun. */
  began(attempt: Attempt): void {
    if (attempt.marked || !acksLate(attempt.task)) return;
    this.#unmarked.push(attempt);
    this.#markTimer ??= setTimeout(() => this.#markLate(), MARK_AFTER_MS);
  }

  /** Takes out what fits and has not been handed over. */
  remove(fits: (attempt: Attempt) => boolean): Attempt[] {
    const removed = this.#line.remove(fits);
    for (const attempt of removed) this.#suspects.forget(attempt);
    return [...this.#suspects.remove(fits), ...removed];
  }

  /** Hands over nothing more. */
  close(): void {
    this.#open = false;
    clearTimeout(this.#markTimer);
    clearTimeout(this.#suspectTimer);
  }

  get waiting(): number {
    return this.#line.length + this.#recording.size + this.aside;
  }

  /** Those of the waiting that need no slot before another has ended. */
  get aside(): number {
    return this.#suspects.aside;
  }

  #readmit(): void {
    if (this.#suspects.aside === 0) return;
    const nowMs = this.#options.now();
    const due: Attempt[] = [];
    for (let next = this.#suspects.due(nowMs); next !== undefined; next = this.#suspects.due(nowMs)) due.push(next);
    for (const attempt of due.reverse()) this.#line.unshift(attempt);
    this.#wakeForSuspects();
  }

  /** An end makes room, which books by itself; a run that is long enough does not. */
  #wakeForSuspects(): void {
    clearTimeout(this.#suspectTimer);
    const nowMs = this.#options.now();
    const dueAtMs = this.#suspects.dueAtMs(nowMs);
    if (dueAtMs !== null) this.#suspectTimer = setTimeout(() => this.book(), dueAtMs - nowMs);
  }

  #freeSlots(): number {
    return this.#options.pool.room(false) - this.#recording.size;
  }

  #isPipelined({ delivery, request, task }: Attempt): boolean {
    return !delivery.redelivered && task.options.isolation !== 'fresh' && this.#options.runTimes.isShort(request.taskName);
  }

  #submit(attempt: Attempt, pipelined: boolean): boolean {
    const { request, task } = attempt;
    const job: Job = {
      request,
      softLimitMs: toMs(request.softTimeLimitS ?? task.options.softTimeLimit ?? this.#options.limits.softTimeLimitS),
      hardLimitMs: toMs(request.timeLimitS ?? task.options.timeLimit ?? this.#options.limits.timeLimitS),
      fresh: task.options.isolation === 'fresh',
      pipelined,
    };
    const before = attempt.phase;
    attempt.phase = 'booked';
    if (this.#options.pool.submit(job)) return true;
    attempt.phase = before;
    return false;
  }

  /** Undefined when nothing has to be waited for. */
  #record(attempt: Attempt): Promise<void> | undefined {
    const { delivery, request } = attempt;
    attempt.marked = true;
    const marked = delivery.markStarted();
    const { backend } = this.#options;
    if (!delivery.redelivered || delivery.lossesAreComplete || backend === null) return marked;
    const counted = backend.countStart(request.id).then(
      (starts) => {
        attempt.countedStarts = starts;
      },
      (error: unknown) => this.#options.logger.warn({ err: error, taskId: request.id }, 'start not counted: the backend does not answer'),
    );
    return marked === undefined ? counted : Promise.all([marked, counted]).then(() => undefined);
  }

  #afterRecord(attempt: Attempt): void {
    this.#recording.delete(attempt);
    if (attempt.countedStarts > maxDeliveriesOf(attempt.task) - 1) {
      this.#suspects.forget(attempt);
      this.#options.onLostTooOften(attempt);
    } else if (this.#open) {
      this.putBack(attempt);
    } else {
      this.#options.onUnstarted(attempt, 'closed');
    }
    this.book();
  }

  #recordFailed(attempt: Attempt, error: unknown): void {
    // Most often the claim is lost and comes again; if it is not, its start is recorded at the next try.
    this.#recording.delete(attempt);
    this.#options.logger.debug({ err: error, taskId: attempt.request.id }, 'start not recorded');
    attempt.marked = false;
    if (attempt.delivery.lost.aborted || !this.#open) {
      this.#suspects.forget(attempt);
      this.#options.onUnstarted(attempt, attempt.delivery.lost.aborted ? 'lost' : 'closed');
      this.book(); // the slot that was kept for it is free, and nobody else says so
      return;
    }
    this.putBack(attempt);
    setTimeout(() => this.book(), RECORD_AGAIN_MS);
  }

  #markLate(): void {
    this.#markTimer = undefined;
    const begun = this.#unmarked;
    this.#unmarked = [];
    for (const attempt of begun) {
      if (attempt.phase !== 'running' || attempt.marked) continue;
      attempt.marked = true;
      attempt.delivery.markStarted()?.catch((error: unknown) => {
        this.#options.logger.debug({ err: error, taskId: attempt.request.id }, 'start not recorded');
      });
    }
  }
}

function toMs(seconds: number | null): number | null {
  return seconds === null ? null : seconds * 1000;
}
