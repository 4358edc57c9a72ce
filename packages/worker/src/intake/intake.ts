import type { Delivery, Logger, ResultBackend } from '@celeriac/brokers';
import { decodeEmbed, decodeEnvelope, hasEmptyEmbed, type Refusal, type Request, stringifyJson, workerLost } from '@celeriac/protocol';
import type { Reporter } from '../events/reporter.ts';
import type { CarryOut } from '../outcome/carry-out.ts';
import type { Follow } from '../outcome/follow.ts';
import { planDrop, planQuarantine, planRefusal, refusalException, type Unstarted } from '../outcome/plan-unstarted.ts';
import { ACK, NO_STORES, type Settlement } from '../outcome/settlement.ts';
import { choose, isExpired, lostText } from '../strategy/choose.ts';
import type { RevokedIds } from '../strategy/revoked.ts';
import type { Verdict } from '../strategy/verdict.ts';
import type { TaskDescription } from '../tasks/manifest.ts';
import { type Attempt, createAttempt, maxDeliveriesOf } from './attempt.ts';
import type { Booking } from './booking.ts';
import type { Hand, Twin } from './hand.ts';
import type { Held } from './held.ts';

/** An eta that is no further away is waited for here; one beyond is parked with the broker. */
const HOLD_HORIZON_MS = 2_000;
/** More short holds than this are parked all the same. */
const MAX_HELD = 1_000;

export interface IntakeOptions {
  readonly hand: Hand;
  readonly held: Held;
  readonly booking: Booking;
  readonly carryOut: CarryOut;
  readonly reporter: Reporter;
  readonly revoked: RevokedIds;
  readonly follow: Follow;
  readonly backend: ResultBackend | null;
  readonly taskOf: (name: string) => TaskDescription | undefined;
  readonly now: () => number;
  readonly logger: Logger;
}

/** From a delivery to a booked slot, or to the end of what must not run: decode, ask strategy, then book, hold, park or settle. */
export class Intake {
  readonly #options: IntakeOptions;
  #closed = false;
  #handedBack = 0;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /** What came after this is given back at once. */
  close(): void {
    this.#closed = true;
  }

  /** Deliveries given back because they came too late. */
  get handedBack(): number {
    return this.#handedBack;
  }

  /** Gives back an attempt that has not begun. */
  handBack(attempt: Attempt): void {
    attempt.phase = 'settling';
    this.#options.carryOut.begin(attempt.delivery, givenBack, attempt);
  }

  handBackTwin(twin: Twin): void {
    this.#options.carryOut.begin(twin.delivery, givenBack, null);
  }

  /** Takes what the consumer hands over. Never throws. */
  take(deliveries: readonly Delivery[]): void {
    for (const delivery of deliveries) {
      const { content } = delivery;
      if (this.#closed) {
        this.#handedBack += 1;
        this.#options.carryOut.begin(delivery, givenBack, null);
        continue;
      }
      if (content.kind === 'unreadable') {
        this.#refuse(delivery, content.refusal);
        continue;
      }
      const { exchange, routingKey, message } = content;
      const priority = message.properties.priority ?? null;
      const decoded = decodeEnvelope(message, { exchange, routingKey, priority, redelivered: delivery.redelivered });
      if (decoded.kind === 'refused') this.#refuse(delivery, decoded.refusal);
      else this.accept(delivery, decoded.request);
    }
    this.#options.booking.book();
  }

  /** Forgets what has not begun and whose claim is lost: it comes again. */
  forgetLost(): void {
    const { hand, held, booking } = this.#options;
    const isLost = ({ delivery }: { readonly delivery: Delivery }): boolean => delivery.lost.aborted;
    hand.removeTwins(isLost);
    const checking = [...hand.all()].filter((attempt) => attempt.phase === 'checking' && isLost(attempt));
    for (const attempt of [...booking.remove(isLost), ...held.remove(isLost), ...checking]) this.letGo(attempt);
    booking.book();
  }

  /** Takes an attempt out of the hand that will not be settled here; deliveries of its id that waited for it have their turn. `book` follows. */
  letGo(attempt: Attempt): void {
    for (const twin of this.#options.hand.remove(attempt)) this.accept(twin.delivery, twin.request);
  }

  /** Takes one readable delivery; `book` follows. */
  accept(delivery: Delivery, request: Request): void {
    const { hand, carryOut, now, backend } = this.#options;
    if (this.#closed) {
      this.handBackTwin({ delivery, request });
      return;
    }
    if (hand.get(request.id) !== undefined) {
      hand.addTwin({ delivery, request });
      return;
    }
    const end = delivery.redelivered ? hand.takeEnd(request) : undefined;
    if (end !== undefined) {
      carryOut.begin(delivery, { ...repeated, ending: end }, null);
      return;
    }
    const task = this.#options.taskOf(request.taskName);
    const attempt = createAttempt(delivery, request, task ?? { name: request.taskName, options: {} }, now());
    const verdict = this.#choose(attempt, task !== undefined, false);
    const hasPast = delivery.redelivered && (!delivery.lossesAreComplete || this.#storesResult(request, attempt.task));
    if (verdict.kind !== 'hold' && hasPast && backend !== null) {
      this.#askThePast(attempt, task !== undefined, backend);
      return;
    }
    this.#follow(attempt, verdict);
  }

  /** Asked right before a start: what came in between, a revocation or its expiry, ends it here. */
  mayStart(attempt: Attempt): boolean {
    const { request } = attempt;
    if (request.expires === null && this.#options.revoked.isEmpty) return true;
    const nowMs = this.#options.now();
    const why = isExpired(request, nowMs) ? 'expired' : this.#options.revoked.has(request.id, nowMs) ? 'revoked' : undefined;
    if (why === undefined) return true;
    this.#settle(attempt, planDrop(this.#unstarted(attempt), why));
    return false;
  }

  /** Too many starts were counted with the backend. */
  lostTooOften(attempt: Attempt): void {
    this.#follow(attempt, { kind: 'quarantine', code: 'CELERIAC_E_WORKER_LOST', reason: lostText(attempt.countedStarts) });
  }

  /** What was held is due. */
  due(attempts: readonly Attempt[]): void {
    for (const attempt of attempts) this.#follow(attempt, this.#choose(attempt, true, false));
    this.#options.booking.book();
  }

  #choose(attempt: Attempt, registered: boolean, succeededBefore: boolean): Verdict {
    const { request, delivery, task } = attempt;
    const nowMs = this.#options.now();
    const { revoked } = this.#options;
    return choose(
      {
        request,
        maxDeliveries: registered ? maxDeliveriesOf(task) : null,
        losses: delivery.losses,
        revoked: !revoked.isEmpty && revoked.has(request.id, nowMs),
        succeededBefore,
      },
      nowMs,
    );
  }

  #follow(attempt: Attempt, verdict: Verdict, pastResultJson = 'null'): void {
    const { hand, booking, reporter, held } = this.#options;
    const { request } = attempt;
    switch (verdict.kind) {
      case 'run': {
        const refusal = this.#checkWhatFollows(request);
        if (refusal !== null) {
          this.#settle(attempt, planQuarantine(this.#unstarted(attempt), { kind: 'quarantine', ...refusal }, refusalException(refusal)));
          return;
        }
        hand.add(attempt);
        reporter.received(request, attempt.delivery.queue);
        booking.add(attempt);
        return;
      }
      case 'hold':
        if (verdict.untilMs - this.#options.now() > HOLD_HORIZON_MS || held.attempts.length >= MAX_HELD) {
          this.#park(attempt, verdict.untilMs);
          return;
        }
        hand.add(attempt);
        held.add(attempt, verdict.untilMs);
        return;
      case 'quarantine':
        this.#settle(
          attempt,
          planQuarantine(this.#unstarted(attempt), verdict, workerLost(`Worker exited prematurely: ${verdict.reason}.`)),
        );
        return;
      case 'drop':
        this.#settle(
          attempt,
          verdict.why === 'already-succeeded'
            ? this.#repeatWhatFollows(request, pastResultJson)
            : planDrop(this.#unstarted(attempt), verdict.why),
          verdict.why !== 'unknown-task',
        );
        return;
    }
  }

  /** A redelivered message may have been run to its end: its own SUCCESS is not repeated, but what follows it is published again. */
  #askThePast(attempt: Attempt, registered: boolean, backend: ResultBackend): void {
    const { hand, booking, logger } = this.#options;
    const { request, delivery, task } = attempt;
    attempt.phase = 'checking';
    hand.add(attempt);
    const goOn = (succeeded: boolean, resultJson: string): void => {
      if (hand.get(request.id) !== attempt || attempt.phase !== 'checking') return;
      this.#follow(attempt, this.#choose(attempt, registered, succeeded), resultJson);
      booking.book();
    };
    const result = this.#storesResult(request, task) ? backend.fetch(request.id) : undefined;
    const starts = delivery.lossesAreComplete ? undefined : backend.startsCounted(request.id);
    Promise.all([result, starts]).then(
      ([meta, counted]) => {
        // its first start is not counted, and may not have come about
        if (counted !== undefined) attempt.knownLosses = Math.max(delivery.losses, counted + 1);
        if (meta?.status === 'SUCCESS') goOn(true, stringifyJson(meta.result));
        else goOn(false, 'null');
      },
      (error: unknown) => {
        logger.warn({ err: error, taskId: request.id }, 'the past of a redelivered task is unknown: the backend does not answer');
        goOn(false, 'null');
      },
    );
  }

  #repeatWhatFollows(request: Request, resultJson: string): Settlement {
    if (hasEmptyEmbed(request)) return repeated;
    const decoded = decodeEmbed(request);
    if (decoded.kind === 'refused') return repeated;
    return { ...repeated, publish: this.#options.follow.success(request, decoded.embed, resultJson, this.#options.now()).publish };
  }

  #checkWhatFollows(request: Request): Refusal | null {
    if (hasEmptyEmbed(request)) return null;
    const decoded = decodeEmbed(request);
    return decoded.kind === 'refused' ? decoded.refusal : this.#options.follow.check(request, decoded.embed);
  }

  #park(attempt: Attempt, untilMs: number): void {
    const { logger } = this.#options;
    const { request } = attempt;
    this.letGo(attempt);
    attempt.delivery.park(untilMs).catch((error: unknown) => {
      logger.warn(
        { err: error, taskId: request.id, taskName: request.taskName },
        'task not parked until its eta; the broker hands it out again',
      );
    });
  }

  #settle(attempt: Attempt, settlement: Settlement, registered = true): void {
    const { hand, carryOut, reporter } = this.#options;
    attempt.phase = 'settling';
    hand.add(attempt);
    reporter.ended(attempt.request, registered, settlement);
    carryOut.begin(attempt.delivery, settlement, attempt);
  }

  #refuse(delivery: Delivery, refusal: Refusal): void {
    const { carryOut, reporter, backend, now } = this.#options;
    const from = { queue: delivery.queue, sizeBytes: delivery.sizeBytes, hasBackend: backend !== null, nowMs: now() };
    const settlement = planRefusal(refusal, from);
    reporter.ended(null, false, settlement);
    carryOut.begin(delivery, settlement, null);
  }

  #unstarted({ request, delivery, task }: Attempt): Unstarted {
    return { request, queue: delivery.queue, storesResult: this.#storesResult(request, task), nowMs: this.#options.now() };
  }

  #storesResult(request: Request, task: TaskDescription): boolean {
    return this.#options.backend !== null && !(request.ignoreResult ?? task.options.ignoreResult ?? false);
  }
}

/** Not begun here; somebody else may. */
const givenBack: Settlement = {
  kind: 'requeued',
  stores: NO_STORES,
  publish: [],
  ending: { kind: 'requeue', lost: false },
  report: null,
};

/** The end of something that has ended before. */
const repeated: Settlement = { kind: 'repeated', stores: NO_STORES, publish: [], ending: ACK, report: null };
