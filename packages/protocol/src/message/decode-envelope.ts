import { contentEncodingFault, contentTypeFault, decodeContent } from './content.ts';
import { isPlainRecord } from './embed.ts';
import { DEFAULT_LIMITS } from './limits.ts';
import type { DeliveryInfo, Message } from './message.ts';
import { objectBody } from './object-body.ts';
import { isUsableName, refuse } from './refusal.ts';
import type { DecodedEnvelope, DecodeLimits } from './request.ts';
import { readRequest } from './request-fields.ts';

const NO_FIELDS: Readonly<Record<string, unknown>> = Object.freeze({});

/**
 * Decodes the envelope of a task message: protocol 2 (the body is not looked into), protocol 1, and the hybrid of the two
 * (celery/worker/consumer/consumer.py `on_task_received`, celery/worker/strategy.py). Total: any message gives a request or a refusal.
 */
export function decodeEnvelope(message: Message, from: DeliveryInfo, limits: DecodeLimits = DEFAULT_LIMITS): DecodedEnvelope {
  try {
    return decode(message, from, limits);
  } catch {
    // Only a message that is not even shaped as one (a proxy, a getter that throws) comes here.
    return refuse('CELERIAC_E_ENVELOPE', 'The message cannot be examined.');
  }
}

function decode(message: Message, from: DeliveryInfo, limits: DecodeLimits): DecodedEnvelope {
  const headers: unknown = message.headers;
  if (!isPlainRecord(headers)) return refuse('CELERIAC_E_HEADERS', 'The headers are not a table of names to values.');
  const id = isUsableName(headers.id, limits.idCharacters) ? headers.id : null;
  const name = isUsableName(headers.task, limits.idCharacters) ? headers.task : null;
  const body: unknown = message.body;
  if (!(body instanceof Uint8Array)) return refuse('CELERIAC_E_BODY_ENCODING', 'The message has no body.', id, name);
  if (body.length > limits.messageBytes)
    return refuse('CELERIAC_E_TOO_LARGE', `The message is larger than ${limits.messageBytes} bytes.`, id, name);
  const fault = contentTypeFault(message.contentType) ?? contentEncodingFault(message.contentEncoding);
  if (fault !== undefined) return refuse(fault.code, fault.reason, id, name);
  const compression = headers.compression ?? null;
  if (compression !== null && typeof compression !== 'string')
    return refuse('CELERIAC_E_COMPRESSION', 'The compression header is not text.', id, name);

  const properties = isPlainRecord(message.properties) ? message.properties : NO_FIELDS;
  const frame = {
    deliveryInfo: from,
    correlationId: properties.correlationId,
    replyTo: properties.replyTo,
    contentType: message.contentType as string,
    contentEncoding: message.contentEncoding ?? 'utf-8',
    customHeaders: headers,
  };
  if (headers.task !== undefined) {
    if (compression !== null || firstByte(body) !== 0x7b)
      return readRequest(headers, { ...frame, protocol: 2, compression, body, localTime: false }, limits);
    if (id === null || name === null)
      return readRequest(headers, { ...frame, protocol: 'hybrid', compression, body, localTime: false }, limits);
  }

  // Protocol 1 has to be read whole here, in the parent: it may not unpack to more than a message may have.
  const inflatedBytes = Math.min(limits.inflatedBytes, limits.messageBytes);
  const content = decodeContent(body, compression, { ...limits, inflatedBytes });
  if (content.kind === 'fault') return refuse(content.code, content.reason, id, name);
  const fields = content.value;
  if (!isPlainRecord(fields) || (name === null && fields.task === undefined))
    return name === null
      ? refuse('CELERIAC_E_TASK_NAME', 'Neither the headers nor the body name a task.', id)
      : refuse('CELERIAC_E_BODY', 'The body is not a list of args, kwargs and embed.', id, name);
  return objectBody(fields, name === null ? null : headers, frame, limits);
}

/** The first byte that is not white space. */
function firstByte(bytes: Uint8Array): number | undefined {
  let at = 0;
  while (at < bytes.length && (bytes[at] === 0x20 || bytes[at] === 0x0a || bytes[at] === 0x0d || bytes[at] === 0x09)) at += 1;
  return bytes[at];
}
