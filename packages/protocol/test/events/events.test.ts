import { deflateSync } from 'node:zlib';
import { decodeEvents, encodeEvent, eventRoutingKey, type Message } from '@celeriac/protocol';
import { expect, test } from 'vitest';

const messageOf = (body: unknown, headers: Record<string, unknown> = {}): Message => ({
  headers,
  properties: {},
  contentType: 'application/json',
  contentEncoding: 'utf-8',
  body: new TextEncoder().encode(JSON.stringify(body)),
});

test('the routing key is the type with dots', () => {
  expect(eventRoutingKey('task-sent')).toBe('task.sent');
  expect(eventRoutingKey('worker-elect-ack')).toBe('worker.elect.ack');
});

test('one event and several are read as they were written', () => {
  const one = encodeEvent({ type: 'worker-online', clock: 1, timestamp: 1.5 }, 'w1@h');
  expect(one).toMatchObject({ headers: { hostname: 'w1@h' }, properties: { deliveryMode: 1 } });
  expect(decodeEvents(one)).toEqual([{ hostname: 'w1@h', type: 'worker-online', clock: 1, timestamp: 1.5 }]);
  const several = encodeEvent(
    [
      { type: 'task-started', uuid: 'a' },
      { type: 'task-started', uuid: 'b', hostname: 'other' },
    ],
    'w1@h',
  );
  expect(decodeEvents(several).map((event) => [event.uuid, event.hostname])).toEqual([
    ['a', 'w1@h'],
    ['b', 'other'],
  ]);
});

test('the sender of the header stands in for a missing hostname', () => {
  expect(decodeEvents(messageOf({ type: 'task-x' }, { hostname: 'w1@h' }))).toEqual([{ type: 'task-x', hostname: 'w1@h' }]);
});

test('what is not an event is dropped, and the others are kept', () => {
  expect(decodeEvents(messageOf([5, null, { type: 5, hostname: 'h' }, { type: 'a' }, { type: 'b', hostname: 'h' }]))).toEqual([
    { type: 'b', hostname: 'h' },
  ]);
  expect(decodeEvents({ ...messageOf([]), contentType: 'application/x-python-serialize' })).toEqual([]);
  expect(decodeEvents({ ...messageOf([]), body: Uint8Array.of(255) })).toEqual([]);
});

test('compressed events are read', () => {
  const body = deflateSync(JSON.stringify({ type: 'a', hostname: 'h' }));
  expect(decodeEvents({ ...messageOf({}), headers: { compression: 'application/x-gzip' }, body })).toHaveLength(1);
});
