import type { ErrorCode, Message, Refusal } from '@celeriac/protocol';

/** Why a message is put away. */
export interface QuarantineReason {
  readonly code: ErrorCode;
  /** One sentence for people, without any part of the body. */
  readonly reason: string;
}

/**
 * One handing-over of a message by the broker, under a claim that ends by settling or by loss. Exactly one of the settling methods
 * takes effect, and only once: later calls resolve and do nothing. A settling promise resolves when the broker has it, and rejects
 * with CELERIAC_E_CONNECTION when the claim was lost first (the broker then hands the message out again).
 */
export interface Delivery {
  /** The queue it came from. */
  readonly queue: string;
  /** The message, or why the bytes are not one. */
  readonly content:
    | { readonly kind: 'message'; readonly message: Message; readonly exchange: string; readonly routingKey: string }
    | { readonly kind: 'unreadable'; readonly refusal: Refusal };
  /** Length as it came from the broker. */
  readonly sizeBytes: number;
  /** Whether it was handed out before. */
  readonly redelivered: boolean;
  /** How many earlier starts are known to have ended in loss; exact on Redis, an upper bound on quorum queues, child losses only on classic ones. */
  readonly losses: number;
  /** Whether {@link losses} also counts the deaths of whole workers. False on RabbitMQ classic queues. */
  readonly lossesAreComplete: boolean;
  /** Aborted when the claim is lost: the broker may now give the message to someone else. Created at first use. */
  readonly lost: AbortSignal;

  /**
   * Records that a run of it begins now, so that the death of this worker counts as a start that ended in loss. Returns undefined when
   * nothing has to be waited for, else a promise that resolves when the record is durable. Idempotent.
   */
  markStarted(): Promise<void> | undefined;
  /** Done with it. */
  ack(): Promise<void>;
  /** Drops it the broker's way: to the queue's dead-letter exchange where there is one. */
  reject(): Promise<void>;
  /** Gives it back, to be handed out next. `lost` counts one more start that ended in loss. */
  requeue(options: { readonly lost: boolean }): Promise<void>;
  /** Puts it away until `dueAtMs` (epoch milliseconds); the broker hands it out again then, to anyone. */
  park(dueAtMs: number): Promise<void>;
  /** Moves it to `<queue>.quarantine` with its reason. Counted and capped; see docs/guide/quarantine.md. */
  quarantine(reason: QuarantineReason): Promise<void>;
}
