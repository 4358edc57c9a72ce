import { utf8Bytes } from '../json/bytes.ts';
import { stringifyJson } from '../json/stringify.ts';
import { contentEncodingFault, contentTypeFault, decodeContent } from '../message/content.ts';
import { isPlainRecord } from '../message/embed.ts';
import { DEFAULT_LIMITS } from '../message/limits.ts';
import type { Message } from '../message/message.ts';

/** An event of the `celeryev` exchange (celery/events). Fields beside these come from strangers: check what you use. */
export interface CeleryEvent {
  /** `task-received`, `worker-heartbeat`, ... */
  readonly type: string;
  /** Node name of the sender. */
  readonly hostname: string;
  /** Epoch seconds at the sender. */
  readonly timestamp?: number;
  readonly [field: string]: unknown;
}

/** More than any real sender batches; Celery flushes at 24. */
const MAX_EVENTS = 10_000;

/** `task-received` goes out as `task.received`. */
export function eventRoutingKey(type: string): string {
  return type.replaceAll('-', '.');
}

/** An event to send; `hostname` is added where it has none. */
export type OutgoingEvent = Readonly<Record<string, unknown>> & { readonly type: string };

/** An event, or several of one kind as Celery batches them under `task.multi`, as a transient message. Throws CELERIAC_E_VALUE. */
export function encodeEvent(event: OutgoingEvent | readonly OutgoingEvent[], hostname: string): Message {
  const body = isSeveral(event) ? event.map((one) => ({ hostname, ...one })) : { hostname, ...event };
  return {
    headers: { hostname },
    properties: { deliveryMode: 1, priority: 0 },
    contentType: 'application/json',
    contentEncoding: 'utf-8',
    body: utf8Bytes(stringifyJson(body)),
  };
}

function isSeveral(event: OutgoingEvent | readonly OutgoingEvent[]): event is readonly OutgoingEvent[] {
  return Array.isArray(event);
}

/** The events in a message: total. What is not an event is dropped. */
export function decodeEvents(message: Message): readonly CeleryEvent[] {
  if (contentTypeFault(message.contentType) !== undefined || contentEncodingFault(message.contentEncoding) !== undefined) return [];
  if (!(message.body instanceof Uint8Array) || message.body.length > DEFAULT_LIMITS.messageBytes) return [];
  const headers: unknown = message.headers;
  const compression = isPlainRecord(headers) && typeof headers.compression === 'string' ? headers.compression : null;
  const content = decodeContent(message.body, compression, DEFAULT_LIMITS);
  if (content.kind === 'fault') return [];
  const sender = isPlainRecord(headers) && typeof headers.hostname === 'string' ? headers.hostname : undefined;
  const values: readonly unknown[] = Array.isArray(content.value) ? content.value.slice(0, MAX_EVENTS) : [content.value];
  return values.flatMap((value) => asEvent(value, sender));
}

function asEvent(value: unknown, sender: string | undefined): CeleryEvent[] {
  if (!isPlainRecord(value) || typeof value.type !== 'string') return [];
  const hostname = typeof value.hostname === 'string' ? value.hostname : sender;
  if (hostname === undefined) return [];
  return typeof value.hostname === 'string' ? [value as unknown as CeleryEvent] : [{ ...value, hostname, type: value.type }];
}
