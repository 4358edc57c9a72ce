import {
  decodeBody,
  decodeControlReply,
  decodeControlRequest,
  decodeEnvelope,
  decodeEvents,
  decodeRedisEnvelope,
  encodeRedisEnvelope,
  encodeTask,
  type Message,
} from '@celeriac/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

const FROM = { exchange: '', routingKey: 'celery', priority: 0, redelivered: false };
const good = encodeRedisEnvelope(
  encodeTask({ name: 'tasks.add', args: [1, 'é'], kwargs: { y: [1.5, null] }, taskId: 'id-1', origin: 'gen1@h' }),
  { exchange: '', routingKey: 'celery' },
  'tag',
);

/** Any value a header table or JSON may hold, with what decoders look for well represented. */
const anything: fc.Arbitrary<unknown> = fc.letrec<{ any: unknown }>((tie) => ({
  any: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom<unknown>(
      null,
      undefined,
      true,
      0,
      -1,
      1.5,
      Number.NaN,
      10n ** 30n,
      '',
      'x',
      'application/json',
      'utf-8',
      'base64',
      '2026-01-01T00:00:00',
      'gzip',
      new Date(0),
      Uint8Array.of(1),
    ),
    fc.string(),
    fc.array(tie('any'), { maxLength: 3 }),
    fc.dictionary(
      fc.constantFrom(
        'task',
        'id',
        'args',
        'kwargs',
        'options',
        'callbacks',
        'method',
        'type',
        'hostname',
        '__proto__',
        '__type__',
        '__value__',
        'x',
      ),
      tie('any'),
      { maxKeys: 4 },
    ),
  ),
})).any;

const HEADERS = [
  'task',
  'id',
  'eta',
  'expires',
  'retries',
  'timelimit',
  'group',
  'group_index',
  'root_id',
  'argsrepr',
  'compression',
  'stamps',
  'stamped_headers',
  'x-custom',
  '__proto__',
];
const headers = fc.oneof(
  anything,
  fc.dictionary(fc.constantFrom(...HEADERS), anything).map((table) => ({ task: 'tasks.add', id: 'id-1', ...table })),
);
const bodyText = fc.oneof(
  fc.json(),
  fc.string(),
  fc.tuple(fc.json(), fc.json(), fc.json()).map(([args, kwargs, embed]) => `[${args}, ${kwargs}, ${embed}]`),
  fc.constantFrom(
    '[[], {}, {}]',
    '{"args": [], "task": "a", "id": "b"}',
    '{"method": "ping"}',
    '[{"type": "task-x", "hostname": "h"}]',
    'NaN',
    '{"__type__": "set", "__value__": [[]]}',
  ),
);
const message: fc.Arbitrary<Message> = fc.record({
  headers,
  properties: fc.oneof(anything, fc.dictionary(fc.constantFrom('correlationId', 'replyTo', 'priority'), anything)),
  contentType: fc.oneof(fc.constant('application/json'), anything),
  contentEncoding: fc.oneof(fc.constant('utf-8'), anything),
  body: fc.oneof(
    bodyText.map((text) => new TextEncoder().encode(text)),
    fc.uint8Array(),
    anything,
  ),
}) as never;

function disposition(from: Message): string {
  const decoded = decodeEnvelope(from, FROM);
  if (decoded.kind === 'refused') return checked(decoded.refusal);
  const { request } = decoded;
  expect(request.id.length).toBeGreaterThan(0);
  expect(Number.isSafeInteger(request.retries)).toBe(true);
  const body = decodeBody(request);
  if (body.kind === 'refused') return checked(body.refusal);
  expect(Array.isArray(body.body.args)).toBe(true);
  expect(Object.getPrototypeOf(body.body.kwargs)).toBeNull();
  return 'run';
}

function checked(refusal: { code: string; reason: string; id: string | null }): string {
  expect(refusal.code).toMatch(/^CELERIAC_E_/);
  expect(refusal.id === null || refusal.id.length <= 255).toBe(true);
  return refusal.code;
}

describe('decoders are total', () => {
  test('any message is a request or a refusal', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(message, (one) => {
        seen.add(disposition(one));
        decodeControlRequest(one);
        decodeControlReply(one);
        decodeEvents(one);
      }),
      { numRuns: 5_000 },
    );
    // The generator reaches both ends.
    expect(seen.has('run')).toBe(true);
    expect(seen.size).toBeGreaterThan(5);
  });

  test('a good envelope with some characters changed is a message or a refusal', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(2), fc.constantFrom('', '"', '{', '[', ',', '0', '\\', 'é', ' ')), {
          minLength: 1,
          maxLength: 4,
        }),
        (changes) => {
          let text = good;
          for (const [at, remove, insert] of changes) text = text.slice(0, at) + insert + text.slice(at + remove);
          const envelope = decodeRedisEnvelope(text);
          if (envelope.kind === 'message') disposition(envelope.message);
          else checked(envelope.refusal);
        },
      ),
      { numRuns: 3_000 },
    );
  });

  test('any bytes are a message or a refusal', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(['message', 'refused']).toContain(decodeRedisEnvelope(bytes).kind);
      }),
      { numRuns: 1_000 },
    );
  });

  test('a message that throws when it is looked at is refused', () => {
    const trap = new Proxy(
      {},
      {
        get: () => {
          throw new Error('no');
        },
        getPrototypeOf: () => {
          throw new Error('no');
        },
      },
    );
    expect(decodeEnvelope(trap as Message, FROM)).toMatchObject({ kind: 'refused', refusal: { code: 'CELERIAC_E_ENVELOPE' } });
    expect(decodeEnvelope(null as never, FROM)).toMatchObject({ kind: 'refused' });
  });
});
