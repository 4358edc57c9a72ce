import { utf8Bytes } from '../json/bytes.ts';
import type { Message, MessageProperties } from './message.ts';
import type { Request } from './request.ts';
import type { TaskHeaders } from './task-headers.ts';

/** What differs from the attempt before. */
export interface RetryChanges {
  /** Not before; null runs as soon as it can. */
  readonly etaText: string | null;
  /** JSON text of a new `[args, kwargs, embed]`; null forwards the body untouched. */
  readonly bodyJson: string | null;
  /** Celery sets the task's own id where there was no parent and the task asked for the retry itself. */
  readonly parentId: string | null;
  /** Absent keeps what the message said. */
  readonly timeLimitS?: number | null;
  readonly softTimeLimitS?: number | null;
  readonly expiresText?: string | null;
  readonly ignoreResult?: boolean | null;
  readonly priority?: number | null;
  /** Display texts for a new `bodyJson`. */
  readonly argsRepr?: string;
  readonly kwargsRepr?: string;
  /** Added to the custom headers. */
  readonly headers?: Readonly<Record<string, unknown>>;
}

/**
 * The message that runs a task again: same id, `retries` + 1, everything that follows it, its stamps and custom headers kept, brokers' marks
 * (x-death and the like) left behind (celery/app/task.py `retry` and `signature_from_request`).
 */
export function retryMessage(request: Request, next: RetryChanges): Message {
  const protocolHeaders: TaskHeaders = {
    lang: 'js',
    task: request.taskName,
    id: request.id,
    shadow: request.shadow,
    eta: next.etaText,
    expires: next.expiresText === undefined ? (request.expires?.text ?? null) : next.expiresText,
    group: request.groupId,
    group_index: request.groupIndex,
    retries: request.retries + 1,
    timelimit: [orKept(next.timeLimitS, request.timeLimitS), orKept(next.softTimeLimitS, request.softTimeLimitS)],
    root_id: request.rootId,
    parent_id: next.parentId,
    argsrepr: next.argsRepr ?? request.argsRepr,
    kwargsrepr: next.kwargsRepr ?? request.kwargsRepr,
    origin: request.origin,
    ignore_result: orKept(next.ignoreResult, request.ignoreResult),
    replaced_task_nesting: request.replacedTaskNesting,
    stamped_headers: request.stampedHeaders,
    stamps: request.stamps,
  };
  const headers: Record<string, unknown> = { ...protocolHeaders, ...request.headers, ...next.headers };
  const forwarded = next.bodyJson === null;
  if (forwarded && request.compression !== null) headers.compression = request.compression;
  const priority = orKept(next.priority, request.deliveryInfo.priority);
  const properties: MessageProperties = {
    correlationId: request.correlationId ?? request.id,
    replyTo: request.replyTo ?? '',
    deliveryMode: 2,
    ...(priority === null ? undefined : { priority }),
  };
  return {
    headers,
    properties,
    contentType: forwarded ? request.contentType : 'application/json',
    contentEncoding: forwarded ? request.contentEncoding : 'utf-8',
    body: next.bodyJson === null ? request.body : utf8Bytes(next.bodyJson),
  };
}

function orKept<T>(changed: T | undefined, kept: T): T {
  return changed === undefined ? kept : changed;
}
