import type { Message, MessageProperties } from '@celeriac/protocol';
import { decodeTable, MalformedTable } from './decode-table.ts';
import { encodeTable } from './encode-table.ts';
import type { FrameWriter } from './frame-writer.ts';

/** A content header frame, read. Where it is malformed there are no headers, and the properties that could be read. */
export interface ReceivedProperties {
  readonly headers: Record<string, unknown>;
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
  readonly properties: MessageProperties;
  /** Why the frame cannot be read; the headers are empty then. */
  readonly malformed: string | undefined;
  /** Length of the body as announced. */
  readonly bodyBytes: number;
  /** Whether the body was too long to be received. */
  readonly omitted: boolean;
}

/** Reads the properties of a header frame's payload (flags at `offset`); total. Source: AMQP 0-9-1 section 4.2.6.1. */
export function decodeProperties(bytes: Buffer, offset: number, bodyBytes: number, omitted: boolean): ReceivedProperties {
  try {
    return decode(bytes, offset, bodyBytes, omitted);
  } catch (error) {
    const malformed = whyMalformed(error);
    return { headers: {}, contentType: undefined, contentEncoding: undefined, properties: {}, malformed, bodyBytes, omitted };
  }
}

function decode(bytes: Buffer, start: number, bodyBytes: number, omitted: boolean): ReceivedProperties {
  const flags = bytes.readUInt16BE(start);
  let offset = start + 2;
  const text = (): string => {
    const from = offset + 1;
    offset = from + bytes.readUInt8(offset);
    if (offset > bytes.length) throw new MalformedTable('a property ends behind the frame');
    return bytes.toString('utf8', from, offset);
  };
  const contentType = flags & 0x8000 ? text() : undefined;
  const contentEncoding = flags & 0x4000 ? text() : undefined;
  let headers: Record<string, unknown> = Object.create(null);
  let malformed: string | undefined;
  if (flags & 0x2000) {
    const length = bytes.readUInt32BE(offset);
    try {
      headers = decodeTable(bytes, offset + 4, offset + 4 + length);
    } catch (error) {
      // What stands behind the table may still say whose message it is.
      malformed = whyMalformed(error);
    }
    offset += 4 + length;
  }
  const properties: { -readonly [Key in keyof MessageProperties]: MessageProperties[Key] } = {};
  if (flags & 0x1000) properties.deliveryMode = bytes.readUInt8(offset++) === 2 ? 2 : 1;
  if (flags & 0x0800) properties.priority = bytes.readUInt8(offset++);
  if (flags & 0x0400) properties.correlationId = text();
  if (flags & 0x0200) properties.replyTo = text();
  if (flags & 0x0100) {
    const expirationMs = Number(text());
    if (Number.isFinite(expirationMs)) properties.expirationMs = expirationMs;
  }
  if (flags & 0x0080) properties.messageId = text();
  if (flags & 0x0040) {
    properties.timestamp = Number(bytes.readBigUInt64BE(offset));
    offset += 8;
  }
  if (flags & 0x0020) properties.type = text();
  if (flags & 0x0010) properties.userId = text();
  if (flags & 0x0008) properties.appId = text();
  return { headers, contentType, contentEncoding, properties, malformed, bodyBytes, omitted };
}

function whyMalformed(error: unknown): string {
  if (error instanceof MalformedTable || error instanceof RangeError) return error.message;
  throw error;
}

/** Writes flags and properties of a message, `extra` headers last. */
export function encodeProperties(writer: FrameWriter, message: Message, extra: Readonly<Record<string, unknown>> | undefined): void {
  const { properties, contentType, contentEncoding } = message;
  const { deliveryMode, priority, correlationId, replyTo, expirationMs, messageId, timestamp, type, userId, appId } = properties;
  const flags =
    (contentType === undefined ? 0 : 0x8000) |
    (contentEncoding === undefined ? 0 : 0x4000) |
    0x2000 |
    (deliveryMode === undefined ? 0 : 0x1000) |
    (priority === undefined ? 0 : 0x0800) |
    (correlationId === undefined ? 0 : 0x0400) |
    (replyTo === undefined ? 0 : 0x0200) |
    (expirationMs === undefined ? 0 : 0x0100) |
    (messageId === undefined ? 0 : 0x0080) |
    (timestamp === undefined ? 0 : 0x0040) |
    (type === undefined ? 0 : 0x0020) |
    (userId === undefined ? 0 : 0x0010) |
    (appId === undefined ? 0 : 0x0008);
  writer.short(flags);
  if (contentType !== undefined) writer.shortText(contentType);
  if (contentEncoding !== undefined) writer.shortText(contentEncoding);
  encodeTable(writer, extra === undefined ? message.headers : { ...message.headers, ...extra });
  if (deliveryMode !== undefined) writer.octet(deliveryMode);
  if (priority !== undefined) writer.octet(Math.max(0, Math.min(255, Math.round(priority))));
  if (correlationId !== undefined) writer.shortText(correlationId);
  if (replyTo !== undefined) writer.shortText(replyTo);
  if (expirationMs !== undefined) writer.shortText(String(Math.max(0, Math.round(expirationMs))));
  if (messageId !== undefined) writer.shortText(messageId);
  if (timestamp !== undefined) writer.longlong(BigInt(Math.floor(timestamp)));
  if (type !== undefined) writer.shortText(type);
  if (userId !== undefined) writer.shortText(userId);
  if (appId !== undefined) writer.shortText(appId);
}
