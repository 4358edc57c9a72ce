import type { Delivery, Logger, Publication, ResultBackend, Transport } from '@celeriac/brokers';
import { isCeleriacError } from '@celeriac/protocol';
import type { Attempt } from '../intake/attempt.ts';
import { Gather } from './gather.ts';
import type { MessageEnd, Settlement } from './settlement.ts';

const FIRST_PAUSE_MS = 100;
const MAX_PAUSE_MS = 5_000;
/** Results that wait for a backend may take this much memory before the worker stops taking. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024;
/** Tries of a publication that the broker refuses for a reason that will not go away. */
const MAX_REFUSALS = 5;

export interface CarryOutOptions {
  readonly transport: Transport;
  readonly backend: ResultBackend | null;
  readonly logger: Logger;
  /** The broker has what follows a task. Default: nobody is told. */
  readonly onPublished?: (publications: readonly Publication[]) => void;
  /** Its message is settled, or its claim was lost before (`settled` false): nothing more will happen to it. */
  readonly onEnd: (work: Work, settled: boolean) => void;
}

/** One settlement on its way. */
export interface Work {
  readonly delivery: Delivery;
  /** Null for a message that never became one. */
  readonly attempt: Attempt | null;
  readonly settlement: Settlement;
  ending: MessageEnd;
  stored: number;
  refusals: number;
  readonly bytes: number;
}

/**
 * Performs settlements: store, publish what follows, then settle the message; nothing is acknowledged before its result is stored and what
 * follows is with the broker. Work that the backend or the broker does not take is tried again until `giveUp`. The only file that acks.
 */
export class CarryOut {
  readonly #options: CarryOutOptions;
  readonly #stores: Gather<Work, boolean>;
  readonly #settles: Gather<Work, void>;
  readonly #publishes: Gather<Work, void>;
  #again: Work[] = [];
  #againTimer: NodeJS.Timeout | undefined;
  #pauseMs = FIRST_PAUSE_MS;
  #inHand = 0;
  #bytes = 0;
  #idle: PromiseWithResolvers<void> | undefined;
  #givenUp = false;

  constructor(options: CarryOutOptions) {
    this.#options = options;
    this.#stores = new Gather(
      (work) => this.#afterStore(work),
      (work, error) => this.#tryAgain(work, error, 'result not stored'),
    );
    this.#publishes = new Gather(
      (work) => this.#afterPublish(work),
      (work, error) => this.#afterPublishFailed(work, error),
    );
    this.#settles = new Gather(
      (work) => this.#end(work, true),
      (work, error) => this.#afterSettleFailed(work, error),
    );
  }

  /** Begins a settlement; the end comes by `onEnd`, never in this call. */
  begin(delivery: Delivery, settlement: Settlement, attempt: Attempt | null): void {
    let bytes = 0;
    for (const store of settlement.stores) bytes += store.metaJson.length;
    this.#inHand += 1;
    this.#bytes += bytes;
    this.#step({ delivery, attempt, settlement, ending: settlement.ending, stored: 0, refusals: 0, bytes });
  }

  /** Whether more results wait than may: take nothing new. */
  get isFull(): boolean {
    return this.#bytes > MAX_WAITING_BYTES;
  }

  get pending(): number {
    return this.#inHand;
  }

  /** Resolves when nothing is on its way. */
  whenIdle(): Promise<void> {
    if (this.#inHand === 0) return Promise.resolve();
    this.#idle ??= Promise.withResolvers();
    return this.#idle.promise;
  }

  /** Tries nothing again: what is not stored stays unacknowledged, and the broker hands it out again. */
  giveUp(): void {
    this.#givenUp = true;
    clearTimeout(this.#againTimer);
    for (const work of this.#again.splice(0)) this.#end(work, false);
  }

  #step(work: Work): void {
    const { backend } = this.#options;
    const store = work.settlement.stores[work.stored];
    if (store !== undefined && backend !== null) this.#stores.add(work, backend.store(store));
    else this.#publish(work);
  }

  #afterStore(work: Work): void {
    this.#pauseMs = FIRST_PAUSE_MS;
    work.stored += 1;
    this.#step(work);
  }

  #publish(work: Work): void {
    const { publish } = work.settlement;
    const [first, ...others] = publish;
    if (first === undefined) {
      this.#settle(work);
      return;
    }
    const { transport } = this.#options;
    const sent = others.length === 0 ? transport.publish(first) : Promise.all(publish.map((p) => transport.publish(p))).then(() => {});
    this.#publishes.add(work, sent);
  }

  #afterPublish(work: Work): void {
    this.#options.onPublished?.(work.settlement.publish);
    this.#settle(work);
  }

  #afterPublishFailed(work: Work, error: unknown): void {
    const mayPass = isCeleriacError(error, 'CELERIAC_E_PUBLISH_UNCERTAIN') || isCeleriacError(error, 'CELERIAC_E_CONNECTION');
    work.refusals += mayPass ? 0 : 1;
    if (work.refusals >= MAX_REFUSALS && work.ending.kind !== 'nothing') {
      this.#options.logger.error(
        { err: error, queue: work.delivery.queue },
        'what follows a task cannot be published; its message is quarantined',
      );
      work.ending = { kind: 'quarantine', code: 'CELERIAC_E_PUBLISH', reason: 'what follows it could not be published' };
      this.#settle(work);
      return;
    }
    if (work.refusals >= MAX_REFUSALS) {
      this.#options.logger.error(
        { err: error, queue: work.delivery.queue },
        'what follows a task cannot be published and is lost (acksLate: false)',
      );
      this.#end(work, true);
      return;
    }
    this.#tryAgain(work, error, 'what follows a task is not published');
  }

  #settle(work: Work): void {
    const { delivery, ending } = work;
    switch (ending.kind) {
      case 'ack':
        this.#settles.add(work, delivery.ack());
        return;
      case 'reject':
        this.#settles.add(work, delivery.reject());
        return;
      case 'requeue':
        this.#settles.add(work, delivery.requeue({ lost: ending.lost }));
        return;
      case 'quarantine':
        this.#settles.add(work, delivery.quarantine({ code: ending.code, reason: ending.reason }));
        return;
      case 'nothing':
        queueMicrotask(() => this.#end(work, true));
        return;
    }
  }

  #afterSettleFailed(work: Work, error: unknown): void {
    const lost = isCeleriacError(error, 'CELERIAC_E_CONNECTION') || isCeleriacError(error, 'CELERIAC_E_CLOSED');
    if (lost) {
      this.#options.logger.debug(
        { err: error, queue: work.delivery.queue },
        'claim lost before it was settled; the broker hands the message out again',
      );
    } else {
      this.#options.logger.error({ err: error, queue: work.delivery.queue }, 'message not settled; the broker hands it out again');
    }
    this.#end(work, false);
  }

  #tryAgain(work: Work, error: unknown, text: string): void {
    if (this.#givenUp || isCeleriacError(error, 'CELERIAC_E_CLOSED')) {
      this.#end(work, false);
      return;
    }
    this.#again.push(work);
    if (this.#againTimer !== undefined) return;
    this.#options.logger.warn({ err: error, waiting: this.#again.length, pauseMs: this.#pauseMs }, `${text}; trying again`);
    this.#againTimer = setTimeout(() => {
      this.#againTimer = undefined;
      for (const waiting of this.#again.splice(0)) this.#step(waiting);
    }, this.#pauseMs);
    this.#pauseMs = Math.min(MAX_PAUSE_MS, this.#pauseMs * 2);
  }

  /** Whoever puts it back gives it all its starts again. */
  #forgetStarts({ request }: Attempt): void {
    const { backend, logger } = this.#options;
    backend
      ?.forgetStarts(request.id)
      .catch((error: unknown) => logger.debug({ err: error, taskId: request.id }, 'its counted starts stay'));
  }

  #end(work: Work, settled: boolean): void {
    if (settled && work.ending.kind === 'quarantine' && work.attempt !== null && work.attempt.countedStarts > 0)
      this.#forgetStarts(work.attempt);
    this.#inHand -= 1;
    this.#bytes -= work.bytes;
    this.#options.onEnd(work, settled);
    if (this.#inHand === 0 && this.#idle !== undefined) {
      this.#idle.resolve();
      this.#idle = undefined;
    }
  }
}
