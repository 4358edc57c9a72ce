import { isUtf8 } from 'node:buffer';
import { CeleriacError, decodeRedisEnvelope } from '@celeriac/protocol';
import type { Delivery, QuarantineReason } from '../delivery.ts';

/** How a delivery may end. */
export type Settlement =
  | { readonly kind: 'ack' }
  | { readonly kind: 'give-back'; readonly redeliveries: 0 | 1; readonly losses: 0 | 1 }
  | { readonly kind: 'park'; readonly dueAtMs: number }
  | { readonly kind: 'quarantine'; readonly headJson: string };

/** Who carries out what a delivery asks for. */
export interface ClaimHolder {
  settle(delivery: RedisDelivery, settlement: Settlement): Promise<void>;
  start(delivery: RedisDelivery): Promise<void>;
}

export interface ClaimedMessage {
  readonly tag: string;
  /** Its number among the claims of its owner, rising with time. */
  readonly counter: number;
  readonly queue: string;
  readonly bucket: string;
  readonly raw: Buffer;
  readonly isStarted: boolean;
}

type Decoded = { readonly content: Delivery['content']; readonly redelivered: boolean; readonly losses: number };

/** A message of a Redis list under our claim. The envelope is read at the first look. */
export class RedisDelivery implements Delivery {
  readonly claim: ClaimedMessage;
  readonly #holder: ClaimHolder;
  #started: Promise<void> | true | undefined;
  #settled: Promise<void> | undefined;
  #decoded: Decoded | undefined;
  #abort: AbortController | undefined;
  #isLost = false;

  constructor(claim: ClaimedMessage, holder: ClaimHolder) {
    this.claim = claim;
    this.#holder = holder;
    if (claim.isStarted) this.#started = true;
  }

  get queue(): string {
    return this.claim.queue;
  }

  get sizeBytes(): number {
    return this.claim.raw.length;
  }

  get lossesAreComplete(): boolean {
    return true;
  }

  get content(): Delivery['content'] {
    return this.#read().content;
  }

  get redelivered(): boolean {
    return this.#read().redelivered;
  }

  get losses(): number {
    return this.#read().losses;
  }

  get lost(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#isLost) this.#abort.abort(claimLost());
    return this.#abort.signal;
  }

  markStarted(): Promise<void> | undefined {
    if (this.#started === undefined) {
      const recorded = this.#holder.start(this);
      this.#started = recorded;
      recorded.then(
        () => {
          this.#started = true;
        },
        () => {},
      );
    }
    return this.#started === true ? undefined : this.#started;
  }

  ack(): Promise<void> {
    return this.#settle({ kind: 'ack' });
  }

  /** Redis has no dead-letter exchange: dropped, as kombu does. */
  reject(): Promise<void> {
    return this.#settle({ kind: 'ack' });
  }

  requeue(options: { readonly lost: boolean }): Promise<void> {
    return this.#settle({ kind: 'give-back', redeliveries: 1, losses: options.lost ? 1 : 0 });
  }

  park(dueAtMs: number): Promise<void> {
    return this.#settle({ kind: 'park', dueAtMs });
  }

  quarantine({ code, reason }: QuarantineReason): Promise<void> {
    const { content } = this;
    const known =
      content.kind === 'unreadable'
        ? content.refusal
        : { id: content.message.headers.id ?? null, taskName: content.message.headers.task ?? null };
    const head = {
      code,
      reason,
      taskId: typeof known.id === 'string' ? known.id.slice(0, 255) : null,
      taskName: typeof known.taskName === 'string' ? known.taskName.slice(0, 255) : null,
      bucket: this.claim.bucket,
    };
    return this.#settle({ kind: 'quarantine', headJson: JSON.stringify(head) });
  }

  /** Called by the holder when the claim is known to be lost. */
  lose(): void {
    if (this.#isLost) return;
    this.#isLost = true;
    this.#abort?.abort(claimLost());
  }

  #settle(settlement: Settlement): Promise<void> {
    if (this.#settled !== undefined) return this.#isLost && this.#settled === ALREADY_LOST ? rejectedLost() : SETTLED;
    if (this.#isLost) {
      this.#settled = ALREADY_LOST;
      return rejectedLost();
    }
    this.#settled = this.#holder.settle(this, settlement);
    return this.#settled;
  }

  #read(): Decoded {
    if (this.#decoded !== undefined) return this.#decoded;
    const { raw } = this.claim;
    const envelope = isUtf8(raw)
      ? decodeRedisEnvelope(raw.toString('utf8'))
      : ({
          kind: 'refused',
          refusal: { code: 'CELERIAC_E_ENVELOPE', reason: 'The envelope is not UTF-8 text.', id: null, taskName: null },
        } as const);
    this.#decoded =
      envelope.kind === 'refused'
        ? { content: { kind: 'unreadable', refusal: envelope.refusal }, redelivered: false, losses: 0 }
        : {
            content: { kind: 'message', message: envelope.message, exchange: envelope.exchange, routingKey: envelope.routingKey },
            redelivered: envelope.redelivered,
            losses: envelope.losses,
          };
    return this.#decoded;
  }
}

const SETTLED = Promise.resolve();
const ALREADY_LOST = Promise.resolve();

/** Why a settlement had no effect: somebody else has the message. */
export function claimLost(): CeleriacError {
  return new CeleriacError('CELERIAC_E_CONNECTION', 'the claim was lost before the message was settled; Redis hands it out again');
}

function rejectedLost(): Promise<void> {
  const rejected = Promise.reject(claimLost());
  rejected.catch(() => {});
  return rejected;
}
