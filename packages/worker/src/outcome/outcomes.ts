import type { Logger, ResultBackend } from '@celeriac/brokers';
import { decodeEmbed, type Embed, hasEmptyEmbed, type Request } from '@celeriac/protocol';
import type { Reporter } from '../events/reporter.ts';
import type { Tally } from '../events/tally.ts';
import { type Attempt, acksLate } from '../intake/attempt.ts';
import type { Booking } from '../intake/booking.ts';
import type { Hand } from '../intake/hand.ts';
import type { Job, Outcome } from '../pool/pool.ts';
import type { RunTimes } from '../strategy/run-times.ts';
import type { CarryOut, Work } from './carry-out.ts';
import { storesResult } from './ended.ts';
import type { Follow } from './follow.ts';
import { plan } from './plan.ts';
import { startedRecord } from './records.ts';
import { ACK } from './settlement.ts';

export interface OutcomesOptions {
  readonly hand: Hand;
  readonly booking: Booking;
  readonly carryOut: CarryOut;
  readonly reporter: Reporter;
  readonly tally: Tally;
  readonly runTimes: RunTimes;
  readonly follow: Follow;
  readonly backend: ResultBackend | null;
  readonly nodename: string;
  readonly now: () => number;
  readonly random: () => number;
  readonly logger: Logger;
  /** A delivery of the same id that waited for the end of another and now has its turn. */
  readonly onTwin: (twin: { readonly delivery: Attempt['delivery']; readonly request: Request }) => void;
  /** Ends a run that was terminated by remote control before it had begun. */
  readonly terminate: (taskId: string, signal: NodeJS.Signals) => void;
  /** Handed back by the pool before it began, while the worker stops. */
  readonly onUnstarted: (attempt: Attempt) => void;
}

/** From what the pool reports to a settlement under way, and from its end to an empty hand. */
export class Outcomes {
  readonly #options: OutcomesOptions;
  /** The worker is going away: what has not begun is given back, what is terminated is delivered again. */
  draining = false;
  #interrupted = 0;

  constructor(options: OutcomesOptions) {
    this.#options = options;
  }

  /** Runs that the drain deadline ended. */
  get interrupted(): number {
    return this.#interrupted;
  }

  started(job: Job, pid: number): void {
    const { hand, booking, reporter, backend, now, nodename, logger } = this.#options;
    const attempt = hand.get(job.request.id);
    if (attempt === undefined) return;
    attempt.phase = 'running';
    attempt.startedAtMs = now();
    attempt.pid = pid;
    hand.running.add(attempt);
    reporter.started(attempt.request);
    const { request, task, delivery } = attempt;
    if (task.options.trackStarted === true && storesResult({ request, options: task.options, hasBackend: backend !== null })) {
      backend?.store(startedRecord({ request, nowMs: attempt.startedAtMs }, pid, nodename)).catch((error: unknown) => {
        logger.debug({ err: error, taskId: request.id }, 'STARTED not stored');
      });
    }
    if (attempt.terminatedBy !== null) this.#options.terminate(request.id, attempt.terminatedBy);
    if (acksLate(task)) {
      booking.began(attempt);
      return;
    }
    attempt.acked = true;
    delivery.ack().catch((error: unknown) => {
      logger.debug({ err: error, taskId: request.id }, 'not acknowledged at its start; its redelivery will be');
      hand.rememberEnd(request, ACK);
    });
  }

  ended(job: Job, outcome: Outcome): void {
    const { hand, booking, carryOut, reporter, tally, runTimes, now, random, follow, backend } = this.#options;
    const attempt = hand.get(job.request.id);
    if (attempt === undefined) return;
    hand.running.delete(attempt);
    if (outcome.kind === 'aborted') {
      if (this.draining) this.#options.onUnstarted(attempt);
      else booking.putBack(attempt);
      return;
    }
    if ('durationMs' in outcome) {
      runTimes.record(job.request.taskName, outcome.durationMs);
      tally.ran(job.request.taskName, outcome.durationMs);
    }
    if (outcome.kind === 'terminated' && attempt.terminatedBy === null) this.#interrupted += 1;
    attempt.phase = 'settling';
    const settlement = plan({
      outcome,
      request: attempt.request,
      options: attempt.task.options,
      queue: attempt.delivery.queue,
      acked: attempt.acked,
      losses: Math.max(attempt.delivery.losses, attempt.countedStarts),
      embed: embedOf(attempt.request),
      endedBy: attempt.terminatedBy === null ? 'drain' : 'remote control',
      hasBackend: backend !== null,
      nowMs: now(),
      random: random(),
      follow,
    });
    reporter.ended(attempt.request, true, settlement);
    carryOut.begin(attempt.delivery, settlement, attempt);
  }

  /** A settlement has ended; deliveries of the same id that waited for it share its end, or have their turn. */
  settled({ attempt, ending }: Work, settled: boolean): void {
    if (attempt === null) return;
    const { hand, carryOut, onTwin } = this.#options;
    const twins = hand.remove(attempt);
    const ended = settlesTwins(ending.kind);
    let shared = false;
    for (const twin of twins) {
      const same = twin.delivery.redelivered && twin.request.retries === attempt.request.retries;
      if (!same || !ended) {
        onTwin(twin);
        continue;
      }
      shared = true;
      carryOut.begin(
        twin.delivery,
        { kind: 'repeated', stores: [], publish: [], ending: ending.kind === 'nothing' ? ACK : ending, report: null },
        null,
      );
    }
    if (!settled && !shared && ended) hand.rememberEnd(attempt.request, ending);
  }
}

/** Whether such an end is also the end of another delivery of the same attempt. */
function settlesTwins(kind: Work['ending']['kind']): boolean {
  return kind !== 'requeue';
}

function embedOf(request: Request): Embed | null {
  if (hasEmptyEmbed(request)) return null;
  const decoded = decodeEmbed(request);
  return decoded.kind === 'refused' ? null : decoded.embed;
}
