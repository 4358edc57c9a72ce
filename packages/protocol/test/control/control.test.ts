import {
  addressedTo,
  type ControlRequest,
  decodeControlReply,
  decodeControlRequest,
  encodeControlReply,
  encodeControlRequest,
  type Message,
} from '@celeriac/protocol';
import { describe, expect, test } from 'vitest';

const request: ControlRequest = {
  method: 'ping',
  arguments: { a: 1 },
  destination: ['w1@h'],
  pattern: null,
  matcher: null,
  ticket: 't',
  replyTo: { exchange: 'reply.celery.pidbox', routingKey: 'oid' },
};
const messageOf = (body: unknown): Message => ({
  headers: {},
  properties: {},
  contentType: 'application/json',
  contentEncoding: 'utf-8',
  body: new TextEncoder().encode(typeof body === 'string' ? body : JSON.stringify(body)),
});

test('a command is read as it was written', () => {
  const message = encodeControlRequest(request, 7, 0);
  expect(message.headers).toEqual({ clock: 7, expires: 0 });
  expect(decodeControlRequest(message)).toEqual(request);
  const cast: ControlRequest = { ...request, ticket: null, replyTo: null, destination: null };
  expect(decodeControlRequest(encodeControlRequest(cast, 1, 0))).toEqual(cast);
  expect(JSON.parse(new TextDecoder().decode(encodeControlRequest(cast, 1, 0).body))).not.toHaveProperty('reply_to');
});

test('an answer is read as it was written', () => {
  const message = encodeControlReply('t', 'w1@h', { ok: 'pong' }, 3);
  expect(message).toMatchObject({ headers: { ticket: 't', clock: 3 }, properties: { deliveryMode: 1 } });
  expect(decodeControlReply(message)).toEqual({ ticket: 't', replies: { 'w1@h': { ok: 'pong' } } });
  expect(decodeControlReply(messageOf('[]'))).toBeUndefined();
});

test.each<[string, unknown]>([
  ['text that is not JSON', 'hello'],
  ['a list', []],
  ['a number', 5],
  ['no method', {}],
  ['a method that is a number', { method: 5 }],
  ['a method of 1 MB', { method: 'x'.repeat(1_000_000) }],
  ['arguments that are a list', { method: 'ping', arguments: [] }],
  ['a destination that is a number', { method: 'ping', destination: 5 }],
  ['a destination of numbers', { method: 'ping', destination: [5] }],
  ['a pattern that is a number', { method: 'ping', pattern: 5 }],
  ['more than 1 MiB', { method: 'revoke', arguments: { task_id: Array.from({ length: 40_000 }, () => 'x'.repeat(36)) } }],
])('a hostile command is dropped: %s', (_name, body) => {
  expect(decodeControlRequest(messageOf(body))).toBeUndefined();
});

test('a hostile field is ignored: reply_to a string, ticket a number', () => {
  expect(decodeControlRequest(messageOf({ method: 'ping', reply_to: 'x', ticket: 5, extra: 1 }))).toMatchObject({
    method: 'ping',
    replyTo: null,
    ticket: null,
    arguments: {},
  });
});

describe('addressedTo', () => {
  test.each<[Partial<ControlRequest>, boolean]>([
    [{}, true],
    [{ destination: ['w1@h'] }, true],
    [{ destination: ['w2@h'] }, false],
    [{ destination: [] }, true],
    [{ pattern: 'w*@h', matcher: 'glob' }, true],
    [{ pattern: 'w[2-9]@h' }, false],
    [{ pattern: '(a+)+$', matcher: 'pcre' }, false],
    [{ pattern: `${'*a'.repeat(400)}b` }, false],
  ])('%o', (part, expected) => {
    expect(addressedTo({ destination: null, pattern: null, matcher: null, ...part }, 'w1@h')).toBe(expected);
  });
});
