import { utf8Bytes } from '../json/bytes.ts';
import { stringifyJson } from '../json/stringify.ts';
import { contentEncodingFault, contentTypeFault, decodeContent } from '../message/content.ts';
import { isPlainRecord } from '../message/embed.ts';
import { DEFAULT_LIMITS } from '../message/limits.ts';
import type { Message } from '../message/message.ts';
import type { DecodeLimits } from '../message/request.ts';

/** A remote control command (kombu/pidbox.py). Its arguments come from strangers: each command checks its own. */
export interface ControlRequest {
  readonly method: string;
  readonly arguments: Readonly<Record<string, unknown>>;
  /** Node names, or null for everybody. */
  readonly destination: readonly string[] | null;
  readonly pattern: string | null;
  /** `glob` or `pcre`, null for glob. */
  readonly matcher: string | null;
  /** Echoed in the reply. */
  readonly ticket: string | null;
  /** null where no reply is wanted. */
  readonly replyTo: { readonly exchange: string; readonly routingKey: string } | null;
}

/** What one reply says: node name to answer. */
export interface ControlReply {
  readonly ticket: string | null;
  readonly replies: Readonly<Record<string, unknown>>;
}

/** A command is small: 1 MiB. Replies (`inspect active` of a big node) may be as large as a task. */
const REQUEST_LIMITS: DecodeLimits = { ...DEFAULT_LIMITS, messageBytes: 1024 * 1024, inflatedBytes: 1024 * 1024, depth: 64 };

/** Reads a command: total. undefined for what is none, for example where a method or a destination has the wrong type. */
export function decodeControlRequest(message: Message): ControlRequest | undefined {
  const value = readObject(message, REQUEST_LIMITS);
  if (value === undefined || typeof value.method !== 'string' || value.method === '' || value.method.length > 255) return undefined;
  const { arguments: given = null, destination = null, pattern, matcher, ticket, reply_to: replyTo } = value;
  if (given !== null && !isPlainRecord(given)) return undefined;
  const nodes = typeof destination === 'string' ? [destination] : destination;
  if (nodes !== null && !(Array.isArray(nodes) && nodes.every((node) => typeof node === 'string'))) return undefined;
  if (pattern != null && typeof pattern !== 'string') return undefined;
  return {
    method: value.method,
    arguments: given ?? {},
    destination: nodes,
    pattern: pattern ?? null,
    matcher: matcher == null ? null : typeof matcher === 'string' ? matcher : 'unknown',
    ticket: typeof ticket === 'string' ? ticket : null,
    replyTo: readReplyTo(replyTo),
  };
}

/** A command on its way to `celery.pidbox`. `expiresAtS` in epoch seconds, 0 for never. Throws CELERIAC_E_VALUE. */
export function encodeControlRequest(request: ControlRequest, clock: number, expiresAtS: number): Message {
  const { method, destination, pattern, matcher, ticket, replyTo } = request;
  const body = {
    method,
    arguments: request.arguments,
    destination,
    pattern,
    matcher,
    ...(ticket === null ? undefined : { ticket }),
    ...(replyTo === null ? undefined : { reply_to: { exchange: replyTo.exchange, routing_key: replyTo.routingKey } }),
  };
  return jsonMessage({ clock, expires: expiresAtS }, body, 2);
}

/** One node's answer. Throws CELERIAC_E_VALUE. */
export function encodeControlReply(ticket: string | null, nodename: string, reply: unknown, clock: number): Message {
  return jsonMessage({ ticket, clock }, { [nodename]: reply }, 1);
}

/** Reads an answer: total. undefined for what is none. */
export function decodeControlReply(message: Message): ControlReply | undefined {
  const value = readObject(message, DEFAULT_LIMITS);
  if (value === undefined) return undefined;
  const headers: unknown = message.headers;
  return { ticket: isPlainRecord(headers) && typeof headers.ticket === 'string' ? headers.ticket : null, replies: value };
}

function jsonMessage(headers: Readonly<Record<string, unknown>>, body: unknown, deliveryMode: 1 | 2): Message {
  return {
    headers,
    properties: { deliveryMode, priority: 0 },
    contentType: 'application/json',
    contentEncoding: 'utf-8',
    body: utf8Bytes(stringifyJson(body)),
  };
}

function readObject(message: Message, limits: DecodeLimits): Readonly<Record<string, unknown>> | undefined {
  if (contentTypeFault(message.contentType) !== undefined || contentEncodingFault(message.contentEncoding) !== undefined) return undefined;
  if (!(message.body instanceof Uint8Array) || message.body.length > limits.messageBytes) return undefined;
  const headers: unknown = message.headers;
  const compression = isPlainRecord(headers) && typeof headers.compression === 'string' ? headers.compression : null;
  const content = decodeContent(message.body, compression, limits);
  return content.kind === 'value' && isPlainRecord(content.value) ? content.value : undefined;
}

function readReplyTo(value: unknown): ControlRequest['replyTo'] {
  if (!isPlainRecord(value) || typeof value.routing_key !== 'string') return null;
  return { exchange: typeof value.exchange === 'string' ? value.exchange : '', routingKey: value.routing_key };
}
