import type { Delivery } from '@celeriac/brokers';
import { expect, test } from 'vitest';
import { createAttempt } from '../../src/intake/attempt.ts';
import { Hand } from '../../src/intake/hand.ts';
import { requestOf } from '../requests.ts';

// Only identity matters here: nothing is settled.
const delivery = {} as Delivery;
const attemptOf = (id: string, retries = 0) => createAttempt(delivery, requestOf({ id, retries }), { name: 'tasks.add', options: {} }, 0);

test('hands out the deliveries of an id that waited for its end, once', () => {
  const hand = new Hand();
  const attempt = attemptOf('a');
  hand.add(attempt);
  hand.addTwin({ delivery, request: requestOf({ id: 'a' }) });
  hand.addTwin({ delivery, request: requestOf({ id: 'a', retries: 1 }) });
  expect(hand.twinCount).toBe(2);
  expect(hand.remove(attempt).map(({ request }) => request.retries)).toEqual([0, 1]);
  expect([hand.twinCount, hand.size, hand.get('a')]).toEqual([0, 0, undefined]);
  expect(hand.remove(attempt)).toEqual([]);
});

test('takes out some twins and keeps the others', () => {
  const hand = new Hand();
  hand.addTwin({ delivery, request: requestOf({ id: 'a' }) });
  hand.addTwin({ delivery, request: requestOf({ id: 'b' }) });
  expect(hand.removeTwins(({ request }) => request.id === 'a')).toHaveLength(1);
  expect(hand.twinCount).toBe(1);
});

test('remembers an end for the same attempt only, once, and not without bound', () => {
  const hand = new Hand();
  hand.rememberEnd(requestOf({ id: 'a', retries: 1 }), { kind: 'ack' });
  expect(hand.takeEnd(requestOf({ id: 'a', retries: 0 }))).toBeUndefined();
  expect(hand.takeEnd(requestOf({ id: 'a', retries: 1 }))).toEqual({ kind: 'ack' });
  expect(hand.takeEnd(requestOf({ id: 'a', retries: 1 }))).toBeUndefined();
  for (let n = 0; n <= 10_000; n++) hand.rememberEnd(requestOf({ id: `x${n}` }), { kind: 'ack' });
  expect(hand.takeEnd(requestOf({ id: 'x0' }))).toBeUndefined();
  expect(hand.takeEnd(requestOf({ id: 'x1' }))).toEqual({ kind: 'ack' });
});
