import { base64Bytes, base64Text, utf8Bytes, utf8Text } from '../json/bytes.ts';
import { tryParseJson } from '../json/parse.ts';
import { quoteJson, stringifyJson } from '../json/stringify.ts';
import { isPlainRecord } from './embed.ts';
import { DEFAULT_LIMITS } from './limits.ts';
import type { Message, MessageProperties } from './message.ts';
import { isUsableName, refuse } from './refusal.ts';
import type { DecodeLimits, Refusal } from './request.ts';

/** Where an envelope is sent. */
export interface Destination {
  readonly exchange: string;
  readonly routingKey: string;
}

/** A message out of a Redis list, or why it is none; exactly one, never a throw. */
export type DecodedRedisEnvelope =
  | {
      readonly kind: 'message';
      readonly message: Message;
      readonly exchange: string;
      readonly routingKey: string;
      /** Handed out before, by anybody's count. */
      readonly redelivered: boolean;
      /** Our own marks: how often it came back, and how many of its starts ended in loss. */
      readonly redeliveries: number;
      readonly losses: number;
    }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/**
 * One list element of kombu's Redis transport (kombu/transport/virtual/base.py). Throws CELERIAC_E_VALUE where a custom header has no JSON form.
 * A message without priority has 0, as kombu's.
 */
export function encodeRedisEnvelope(message: Message, destination: Destination, deliveryTag: string): string {
  const { properties } = message;
  const { correlationId, replyTo, deliveryMode = 2, priority = 0 } = properties;
  const ids =
    (correlationId === undefined ? '' : `"correlation_id": ${quoteJson(correlationId)}, `) +
    (replyTo === undefined ? '' : `"reply_to": ${quoteJson(replyTo)}, `);
  return `{"body": "${base64Text(message.body)}", "content-encoding": ${quoteJson(message.contentEncoding ?? 'utf-8')}, "content-type": ${quoteJson(
    message.contentType ?? 'application/json',
  )}, "headers": ${stringifyJson(message.headers)}, "properties": {${ids}"delivery_mode": ${deliveryMode}, "delivery_info": {"exchange": ${quoteJson(
    destination.exchange,
  )}, "routing_key": ${quoteJson(destination.routingKey)}}, "priority": ${priority}, "body_encoding": "base64", "delivery_tag": ${quoteJson(
    deliveryTag,
  )}${rareProperties(properties)}}}`;
}

/**
 * Reads a list element: total. Our redelivery marks are a fixed prefix of the text, `{"celeriac": [redeliveries,losses], `, which scripts can
 * write without parsing; kombu keeps it and looks past it. A missing delivery tag or delivery info is no reason to refuse.
 */
export function decodeRedisEnvelope(element: string | Uint8Array, limits: DecodeLimits = DEFAULT_LIMITS): DecodedRedisEnvelope {
  // base64 takes 4 characters for 3 bytes; headers get as much again as the message itself.
  if (element.length > limits.messageBytes * 2.5)
    return refuse('CELERIAC_E_TOO_LARGE', `The envelope is too large for a message of ${limits.messageBytes} bytes.`);
  const text = typeof element === 'string' ? element : utf8Text(element);
  if (text === undefined) return refuse('CELERIAC_E_ENVELOPE', 'The envelope is not UTF-8.');
  const parsed = tryParseJson(text, limits);
  if (parsed.kind === 'fault')
    return refuse(parsed.tooLarge ? 'CELERIAC_E_TOO_LARGE' : 'CELERIAC_E_ENVELOPE', `The envelope cannot be read: ${parsed.reason}.`);
  const envelope = parsed.value;
  if (!isPlainRecord(envelope)) return refuse('CELERIAC_E_ENVELOPE', 'The envelope is not an object.');
  const { headers } = envelope;
  if (headers === undefined && envelope.body === undefined)
    return refuse('CELERIAC_E_ENVELOPE', 'The envelope has neither headers nor a body.');
  if (headers !== undefined && !isPlainRecord(headers))
    return refuse('CELERIAC_E_HEADERS', 'The headers are not a table of names to values.');
  const table = headers ?? {};
  const properties = isPlainRecord(envelope.properties) ? envelope.properties : {};
  const body = bodyBytes(envelope.body, properties.body_encoding);
  if (typeof body === 'string')
    return refuse(
      'CELERIAC_E_BODY_ENCODING',
      body,
      isUsableName(table.id, limits.idCharacters) ? table.id : null,
      isUsableName(table.task, limits.idCharacters) ? table.task : null,
    );
  const info = isPlainRecord(properties.delivery_info) ? properties.delivery_info : {};
  const [redeliveries, losses] = marks(envelope.celeriac);
  return {
    kind: 'message',
    message: {
      headers: table,
      properties: messageProperties(properties),
      // What is not text is refused by decodeEnvelope, with the right code.
      contentType: envelope['content-type'] as string | undefined,
      contentEncoding: envelope['content-encoding'] as string | undefined,
      body,
    },
    exchange: typeof info.exchange === 'string' ? info.exchange : '',
    routingKey: typeof info.routing_key === 'string' ? info.routing_key : '',
    redelivered: redeliveries > 0 || table.redelivered === true || info.redelivered === true,
    redeliveries,
    losses,
  };
}

function rareProperties(properties: MessageProperties): string {
  let text = '';
  if (properties.expirationMs !== undefined) text += `, "expiration": "${properties.expirationMs}"`;
  if (properties.messageId !== undefined) text += `, "message_id": ${quoteJson(properties.messageId)}`;
  if (properties.appId !== undefined) text += `, "app_id": ${quoteJson(properties.appId)}`;
  if (properties.type !== undefined) text += `, "type": ${quoteJson(properties.type)}`;
  if (properties.userId !== undefined) text += `, "user_id": ${quoteJson(properties.userId)}`;
  if (properties.timestamp !== undefined) text += `, "timestamp": ${properties.timestamp}`;
  return text;
}

/** The raw body, or a sentence on why there is none. */
function bodyBytes(body: unknown, encoding: unknown): Uint8Array | string {
  if (typeof body !== 'string') return 'The body of the envelope is missing or not text.';
  if (encoding === 'base64') return base64Bytes(body) ?? 'The body of the envelope is not base64.';
  // kombu sends text without an encoding; but no task in JSON is made of base64 characters alone, so that is a lost property.
  if (encoding === undefined || encoding === null) {
    const bytes = base64Bytes(body);
    if (bytes !== undefined) return bytes;
  }
  if (encoding === undefined || encoding === null || encoding === 'utf-8')
    return body.isWellFormed() ? utf8Bytes(body) : 'The body of the envelope is not well-formed text.';
  return 'The body_encoding of the envelope is not base64 or utf-8.';
}

function marks(value: unknown): readonly [number, number] {
  if (!Array.isArray(value)) return [0, 0];
  return [count(value[0]), count(value[1])];
}

function count(value: unknown): number {
  return Number.isSafeInteger(value) && (value as number) > 0 ? (value as number) : 0;
}

function messageProperties(properties: Readonly<Record<string, unknown>>): MessageProperties {
  const { correlation_id, reply_to, delivery_mode, priority, expiration, message_id, app_id, type, user_id, timestamp } = properties;
  const expirationMs = typeof expiration === 'string' || typeof expiration === 'number' ? Number(expiration) : Number.NaN;
  const found: { -readonly [Name in keyof MessageProperties]: MessageProperties[Name] } = {};
  if (typeof correlation_id === 'string') found.correlationId = correlation_id;
  if (typeof reply_to === 'string') found.replyTo = reply_to;
  if (delivery_mode === 1 || delivery_mode === 2) found.deliveryMode = delivery_mode;
  if (Number.isSafeInteger(priority)) found.priority = priority as number;
  if (Number.isFinite(expirationMs)) found.expirationMs = expirationMs;
  if (typeof message_id === 'string') found.messageId = message_id;
  if (typeof app_id === 'string') found.appId = app_id;
  if (typeof type === 'string') found.type = type;
  if (typeof user_id === 'string') found.userId = user_id;
  if (typeof timestamp === 'number') found.timestamp = timestamp;
  return found;
}
