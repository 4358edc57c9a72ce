import type { Embed } from './request.ts';

/** A call of a task, ready to be encoded: names and ids are decided, relative times are resolved. */
export interface TaskCall {
  readonly name: string;
  readonly args?: readonly unknown[];
  readonly kwargs?: Readonly<Record<string, unknown>>;
  readonly taskId: string;
  /** Default: the task's own id. */
  readonly rootId?: string | null;
  readonly parentId?: string | null;
  readonly groupId?: string | null;
  readonly groupIndex?: number | null;
  /** Attempts before this one; default 0. */
  readonly retries?: number;
  /** Not before; text is sent as it is. */
  readonly eta?: Date | string | null;
  /** Not after; text is sent as it is. */
  readonly expires?: Date | string | null;
  /** Hard limit in seconds. */
  readonly timeLimitS?: number | null;
  /** Soft limit in seconds. */
  readonly softTimeLimitS?: number | null;
  /** null leaves it to the task. */
  readonly ignoreResult?: boolean | null;
  /** Custom headers, merged flat into the protocol's own. */
  readonly headers?: Readonly<Record<string, unknown>>;
  /** Redis: 0 is the highest; RabbitMQ: 0 is the lowest. Absent leaves it to the broker. */
  readonly priority?: number | null;
  readonly replyTo?: string | null;
  /** Default: the task id. */
  readonly correlationId?: string | null;
  readonly shadow?: string | null;
  readonly serializer?: 'json';
  /** Of the body; default none. `gzip` and `deflate` both mean the zlib stream that kombu calls gzip. */
  readonly compression?: 'gzip' | 'deflate' | null;
  readonly stampedHeaders?: readonly string[] | null;
  readonly stamps?: Readonly<Record<string, unknown>>;
  readonly embed?: Partial<Embed>;
  /** `gen<pid>@<host>` of the sender. */
  readonly origin?: string | null;
  readonly replacedTaskNesting?: number;
  /** JSON text of `[args, kwargs, embed]`, instead of `args`, `kwargs` and `embed`. */
  readonly bodyJson?: string;
  /** Display text of the arguments where `bodyJson` is given. */
  readonly argsRepr?: string;
  readonly kwargsRepr?: string;
  /** Milliseconds after which RabbitMQ may drop the message; Celery sends it whenever `expires` is set. */
  readonly expirationMs?: number;
}
