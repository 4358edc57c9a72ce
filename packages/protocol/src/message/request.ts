import type { ErrorCode } from '../errors/codes.ts';
import type { DeliveryInfo } from './message.ts';

/** An instant as a message states it: the text is kept because Python's microseconds do not fit a Date. */
export interface StatedInstant {
  readonly text: string;
  /** Epoch milliseconds, may have a fraction. */
  readonly epochMs: number;
}

/**
 * The decoded, validated envelope of one attempt to run a task; immutable, no broker handle. The body is still bytes: a child decodes it.
 * Source: Celery message protocol 2, celery/app/amqp.py `as_task_v2` and celery/worker/request.py.
 */
export interface Request {
  /** The message protocol it came in. */
  readonly protocol: 1 | 2 | 'hybrid';
  /** Task id, 1 to 255 characters. */
  readonly id: string;
  /** Registered task name. */
  readonly taskName: string;
  /** Display name for logs and events, or null. */
  readonly shadow: string | null;
  readonly rootId: string;
  readonly parentId: string | null;
  readonly groupId: string | null;
  readonly groupIndex: number | null;
  /** Attempts before this one, 0 for the first. */
  readonly retries: number;
  readonly eta: StatedInstant | null;
  readonly expires: StatedInstant | null;
  /** Hard limit in seconds, null for none stated. */
  readonly timeLimitS: number | null;
  /** Soft limit in seconds, null for none stated. */
  readonly softTimeLimitS: number | null;
  /** null leaves it to the task. */
  readonly ignoreResult: boolean | null;
  readonly replyTo: string | null;
  readonly correlationId: string | null;
  readonly origin: string | null;
  /** Display text of the arguments, at most 1,024 characters; never logged unless asked. */
  readonly argsRepr: string;
  readonly kwargsRepr: string;
  readonly replacedTaskNesting: number;
  readonly stampedHeaders: readonly string[] | null;
  readonly stamps: Readonly<Record<string, unknown>>;
  /** Custom headers: everything the protocol does not name. */
  readonly headers: Readonly<Record<string, unknown>>;
  readonly deliveryInfo: DeliveryInfo;
  readonly contentType: string;
  readonly contentEncoding: string;
  /** Mime type of the compression, null for none. */
  readonly compression: string | null;
  /** Serialized, possibly compressed `[args, kwargs, embed]`; for protocol 1 and hybrid re-expressed in that shape as JSON. */
  readonly body: Uint8Array;
}

/** Why a message cannot become a request, and what is known of it all the same. */
export interface Refusal {
  readonly code: ErrorCode;
  /** One sentence for people, without any part of the body. */
  readonly reason: string;
  /** A usable task id, so that a FAILURE can be stored for whoever waits, or null. */
  readonly id: string | null;
  readonly taskName: string | null;
}

/** The result of decoding an envelope: exactly one of the two, never a throw. */
export type DecodedEnvelope =
  | { readonly kind: 'request'; readonly request: Request }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/** What follows a task, taken from its body; null where there is nothing. */
export interface Embed {
  readonly callbacks: readonly unknown[] | null;
  readonly errbacks: readonly unknown[] | null;
  /** In reverse order of execution: the last element runs next. */
  readonly chain: readonly unknown[] | null;
  readonly chord: unknown;
}

/** A decoded body. `kwargs` has a null prototype. */
export interface DecodedBody {
  readonly args: readonly unknown[];
  readonly kwargs: Readonly<Record<string, unknown>>;
  readonly embed: Embed;
}

/** Bounds checked before memory is spent. */
export interface DecodeLimits {
  /** Default 8 MiB, as it comes from the broker. */
  readonly messageBytes: number;
  /** Default 64 MiB, after decompression. */
  readonly inflatedBytes: number;
  /** Default 512 levels of arrays and objects. */
  readonly depth: number;
  /** Default 255. */
  readonly idCharacters: number;
  /** Default 4,300, as CPython. */
  readonly integerDigits: number;
}
