import { isCeleriacError, type Message } from '@celeriac/protocol';
import type { Delivery, QuarantineReason } from '../delivery.ts';
import { type ClaimChannel, claimLost } from './claim-channel.ts';
import type { HeldLease } from './held-lease.ts';
import { DELAYED_DELIVERY_EXCHANGE, withoutDelay } from './native-delay.ts';
import type { ReceivedProperties } from './wire/basic-properties.ts';

/** Header of a republished message: how many starts of it ended in loss. Taken off before anybody else sees the message. */
export const LOSSES_HEADER = 'x-celeriac-losses';
const DELIVERY_COUNT_HEADER = 'x-delivery-count';

/** One message as it came from amqplib, its properties read by our own decoder. */
export interface ReceivedMessage {
  readonly fields: { readonly deliveryTag: number; readonly redelivered: boolean; readonly exchange: string; readonly routingKey: string };
  readonly properties: ReceivedProperties;
  readonly content: Buffer;
}

/** One running basic.consume. */
export interface ActiveConsumer {
  readonly tag: string;
  readonly prefetch: number;
  held: number;
}

/** What a delivery needs of where it came from. */
export interface DeliverySource {
  readonly queue: string;
  readonly isQuorum: boolean;
  readonly maxBodyBytes: number;
  /** A claim ended: its place in the credit is free. */
  released(delivery: AmqpDelivery): void;
  /** Publish a copy with confirm to where it is to go. */
  republish(message: Message, losses: number): Promise<void>;
  park(message: Message, losses: number, dueAtMs: number): Promise<void>;
  putAway(delivery: AmqpDelivery, reason: QuarantineReason): Promise<void>;
  deadLetter(message: Message): Promise<void>;
}

/** A claim on a delivery tag, or, once it has been held too long for RabbitMQ, on a lease queue. */
export class AmqpDelivery implements Delivery {
  readonly content: Delivery['content'];
  readonly sizeBytes: number;
  readonly redelivered: boolean;
  readonly losses: number;
  readonly lossesAreComplete: boolean;
  readonly receivedAtMs: number = performance.now();
  /** The message without our marks; also where it is refused as unreadable. */
  readonly message: Message;
  readonly exchange: string;
  readonly routingKey: string;
  /** What did not come with it, or could not be read. */
  readonly lacks: 'body' | 'headers' | null;
  /** Which of the queue's consumers it counts for; undefined when none any more. */
  consumer: ActiveConsumer | undefined;
  readonly #source: DeliverySource;
  readonly #claims: ClaimChannel<AmqpDelivery>;
  readonly #tag: number;
  #state: 'held' | 'settled' | 'lost' = 'held';
  #lease: HeldLease | undefined;
  #converting: Promise<void> | undefined;
  #lost: AbortController | undefined;

  constructor(source: DeliverySource, claims: ClaimChannel<AmqpDelivery>, consumer: ActiveConsumer, received: ReceivedMessage) {
    const { fields, properties, content } = received;
    this.#source = source;
    this.#claims = claims;
    this.#tag = fields.deliveryTag;
    this.consumer = consumer;
    const { headers } = properties;
    const isMarked = headers[LOSSES_HEADER] !== undefined;
    const marked = count(headers[LOSSES_HEADER]);
    const counted = count(headers[DELIVERY_COUNT_HEADER]);
    if (isMarked) delete headers[LOSSES_HEADER];
    if (counted > 0) delete headers[DELIVERY_COUNT_HEADER];
    this.losses = marked + (source.isQuorum ? counted : 0);
    this.lossesAreComplete = source.isQuorum;
    this.redelivered = fields.redelivered || isMarked || this.losses > 0;
    this.sizeBytes = properties.bodyBytes;
    const delayed = fields.exchange === DELAYED_DELIVERY_EXCHANGE;
    this.exchange = delayed ? '' : fields.exchange;
    this.routingKey = delayed ? withoutDelay(fields.routingKey) : fields.routingKey;
    const { contentType, contentEncoding } = properties;
    // RabbitMQ takes a copy that names a user only from that user.
    const { userId: _userId, ...rest } = properties.properties;
    this.message = {
      headers,
      properties: _userId === undefined ? properties.properties : rest,
      contentType,
      contentEncoding,
      body: content,
    };
    this.lacks = properties.malformed !== undefined ? 'headers' : properties.omitted ? 'body' : null;
    this.content = refusalOf(properties, source.maxBodyBytes) ?? {
      kind: 'message',
      message: this.message,
      exchange: this.exchange,
      routingKey: this.routingKey,
    };
  }

  get queue(): string {
    return this.#source.queue;
  }

  get isHeld(): boolean {
    return this.#state === 'held';
  }

  get lost(): AbortSignal {
    this.#lost ??= new AbortController();
    if (this.#state === 'lost') this.#lost.abort();
    return this.#lost.signal;
  }

  markStarted(): undefined {
    return undefined;
  }

  ack(): Promise<void> {
    return this.#settle(undefined, () => this.#claims.ack(this.#tag));
  }

  reject(): Promise<void> {
    return this.#settle(
      () => (this.#lease === undefined ? Promise.resolve() : this.#source.deadLetter(this.message)),
      () => this.#claims.nack(this.#tag, false),
    );
  }

  /**
   * Classic queues: back to its place, or, for a loss, republished with the count in a header. Quorum queues count every return, and put
   * it at the end anyway: so what was no loss is republished there, which also keeps it from the delivery limit of RabbitMQ 4.
   */
  requeue({ lost }: { readonly lost: boolean }): Promise<void> {
    if (lost === this.#source.isQuorum) {
      return this.#settle(
        () => (this.#lease === undefined ? Promise.resolve() : this.#source.republish(this.message, this.losses + (lost ? 1 : 0))),
        () => this.#claims.nack(this.#tag, true),
      );
    }
    return this.#settle(
      () => this.#source.republish(this.message, this.losses + (lost ? 1 : 0)),
      () => this.#claims.ack(this.#tag),
    );
  }

  park(dueAtMs: number): Promise<void> {
    return this.#settle(
      () => this.#source.park(this.message, this.losses, dueAtMs),
      () => this.#claims.ack(this.#tag),
    );
  }

  quarantine(reason: QuarantineReason): Promise<void> {
    return this.#settle(
      () => this.#source.putAway(this, reason),
      () => this.#claims.ack(this.#tag),
    );
  }

  /** Ends the claim from outside. */
  lose(): void {
    if (this.#state !== 'held') return;
    this.#state = 'lost';
    this.#source.released(this);
    this.#lost?.abort();
  }

  /** The channel is gone; a claim on a lease does not depend on it. */
  channelEnded(): void {
    if (this.#lease === undefined) this.lose();
  }

  get isConverted(): boolean {
    return this.#converting !== undefined;
  }

  /** Moves the claim to a lease queue: takes the lease, then acknowledges the original. Settling waits for it. */
  convert(take: () => Promise<HeldLease>): Promise<void> {
    this.#converting ??= this.#convert(take);
    return this.#converting;
  }

  async #convert(take: () => Promise<HeldLease>): Promise<void> {
    let lease: HeldLease | undefined;
    try {
      lease = await take();
      if (this.#state === 'lost') return await lease.release();
      await this.#claims.ack(this.#tag);
      this.#lease = lease;
    } catch (error) {
      await lease?.release().catch(() => {});
      this.#converting = undefined;
      throw error;
    }
  }

  /** `before` is what must be safe first; `direct` gives up the delivery tag. When either fails, it can be settled again. */
  #settle(before: (() => Promise<void>) | undefined, direct: () => Promise<void>): Promise<void> {
    if (this.#state === 'settled') return Promise.resolve();
    if (this.#state === 'lost') return Promise.reject(claimLost(this.queue));
    this.#state = 'settled';
    if (before !== undefined || this.#converting !== undefined) return this.#settleSlowly(before, direct);
    this.#source.released(this);
    return direct();
  }

  async #settleSlowly(before: (() => Promise<void>) | undefined, direct: () => Promise<void>): Promise<void> {
    try {
      await this.#converting?.catch(() => {});
      await before?.();
    } catch (error) {
      // A copy that no frame can hold: no try will do better, and what is held for ever keeps the worker from taking more.
      const isHopeless = isCeleriacError(error, 'CELERIAC_E_VALUE');
      const reason = { code: 'CELERIAC_E_TOO_LARGE' as const, reason: 'a copy of it cannot be written, so it cannot be given back' };
      try {
        if (!isHopeless) throw error;
        await this.#source.putAway(this, reason);
      } catch (failure) {
        this.#state = 'held';
        throw failure;
      }
    }
    this.#source.released(this);
    await (this.#lease === undefined ? direct() : this.#lease.release());
  }
}

function count(value: unknown): number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 ? value : 0;
}

function refusalOf(properties: ReceivedProperties, maxBodyBytes: number): Delivery['content'] | undefined {
  const { headers, malformed, bodyBytes } = properties;
  if (malformed === undefined && bodyBytes <= maxBodyBytes) return undefined;
  const text = (value: unknown): string | null => (typeof value === 'string' && value.length <= 255 ? value : null);
  const known = { id: text(headers['id']) ?? text(properties.properties.correlationId), taskName: text(headers['task']) };
  if (malformed !== undefined) {
    return { kind: 'unreadable', refusal: { code: 'CELERIAC_E_HEADERS', reason: `the properties cannot be read: ${malformed}`, ...known } };
  }
  const reason = `the body has ${bodyBytes} bytes, over the limit of ${maxBodyBytes}`;
  return { kind: 'unreadable', refusal: { code: 'CELERIAC_E_TOO_LARGE', reason, ...known } };
}
