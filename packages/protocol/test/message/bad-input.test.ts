import { deflateSync, gzipSync } from 'node:zlib';
import { type DecodedBody, decodeBody, decodeEnvelope, decodeRedisEnvelope, type Refusal, type Request } from '@celeriac/protocol';
import { describe, expect, test } from 'vitest';

const ID = '6a3f1c9e-52d4-4c44-9b0a-000000000001';
const NAME = 'tasks.add';
const EMPTY_EMBED = { callbacks: null, errbacks: null, chain: null, chord: null };

type Received =
  | { readonly stage: 'envelope' | 'body'; readonly refusal: Refusal }
  | { readonly stage: 'run'; readonly request: Request; readonly body: DecodedBody };

function receive(element: string | Uint8Array): Received {
  const envelope = decodeRedisEnvelope(element);
  if (envelope.kind === 'refused') return { stage: 'envelope', refusal: envelope.refusal };
  const { message, exchange, routingKey, redelivered } = envelope;
  const decoded = decodeEnvelope(message, { exchange, routingKey, priority: message.properties.priority ?? null, redelivered });
  if (decoded.kind === 'refused') return { stage: 'envelope', refusal: decoded.refusal };
  const body = decodeBody(decoded.request);
  return body.kind === 'refused' ? { stage: 'body', refusal: body.refusal } : { stage: 'run', request: decoded.request, body: body.body };
}

interface Parts {
  /** Replace or, when undefined, remove members of the envelope. */
  readonly envelope?: Record<string, unknown>;
  readonly headers?: Record<string, unknown>;
  readonly properties?: Record<string, unknown>;
  readonly bodyText?: string;
  readonly bodyBytes?: Uint8Array;
}

function element({ envelope, headers, properties, bodyText = JSON.stringify([[1, 2], {}, EMPTY_EMBED]), bodyBytes }: Parts): string {
  const whole = {
    body: Buffer.from(bodyBytes ?? new TextEncoder().encode(bodyText)).toString('base64'),
    'content-encoding': 'utf-8',
    'content-type': 'application/json',
    headers: { lang: 'py', task: NAME, id: ID, retries: 0, timelimit: [null, null], ...headers },
    properties: {
      correlation_id: ID,
      reply_to: '',
      delivery_mode: 2,
      delivery_info: { exchange: '', routing_key: 'celery' },
      priority: 0,
      body_encoding: 'base64',
      delivery_tag: 'tag-1',
      ...properties,
    },
    ...envelope,
  };
  return JSON.stringify(whole);
}

const bodyOf = (body: unknown): Parts => ({ bodyText: JSON.stringify(body) });
const embedOf = (embed: unknown): Parts => bodyOf([[], {}, embed]);

/** The rows of the bad-input catalogue that end in a refusal. `id`: whether a FAILURE can be stored. */
const REFUSED: readonly (readonly [row: string, element: string | Uint8Array, code: string, id: boolean])[] = [
  ['1 not JSON', 'hello', 'CELERIAC_E_ENVELOPE', false],
  ['2 a scalar', '5', 'CELERIAC_E_ENVELOPE', false],
  ['3 a list', '[]', 'CELERIAC_E_ENVELOPE', false],
  ['4 an empty object', '{}', 'CELERIAC_E_ENVELOPE', false],
  ['5 invalid UTF-8', Uint8Array.of(0x7b, 0xff, 0x7d), 'CELERIAC_E_ENVELOPE', false],
  ['11 headers null', element({ envelope: { headers: null } }), 'CELERIAC_E_HEADERS', false],
  ['12 headers a list', element({ envelope: { headers: [] } }), 'CELERIAC_E_HEADERS', false],
  ['13 headers a string', element({ envelope: { headers: 'x' } }), 'CELERIAC_E_HEADERS', false],
  ['14 body not base64', element({ envelope: { body: '###' } }), 'CELERIAC_E_BODY_ENCODING', true],
  ['14 body base64 of the URL alphabet', element({ envelope: { body: 'a-_=' } }), 'CELERIAC_E_BODY_ENCODING', true],
  ['15 body a number', element({ envelope: { body: 5 } }), 'CELERIAC_E_BODY_ENCODING', true],
  ['16 unknown body_encoding', element({ properties: { body_encoding: 'rot13' } }), 'CELERIAC_E_BODY_ENCODING', true],
  ['17 no body', element({ envelope: { body: undefined } }), 'CELERIAC_E_BODY_ENCODING', true],
  ['18 body not JSON', element({ bodyText: 'not json' }), 'CELERIAC_E_BODY', true],
  ['19 body invalid UTF-8', element({ bodyBytes: Uint8Array.of(0x5b, 0xff, 0x5d) }), 'CELERIAC_E_BODY_ENCODING', true],
  ['20 body null', element(bodyOf(null)), 'CELERIAC_E_BODY', true],
  ['21 body a number', element(bodyOf(5)), 'CELERIAC_E_BODY', true],
  ['22 body []', element(bodyOf([])), 'CELERIAC_E_BODY', true],
  ['23 body an object without args', element(bodyOf({ x: 1 })), 'CELERIAC_E_BODY', true],
  ['24 body of two elements', element(bodyOf([[], {}])), 'CELERIAC_E_BODY', true],
  ['25 body a string of three characters', element(bodyOf('abc')), 'CELERIAC_E_BODY', true],
  ['26 args a number', element(bodyOf([5, {}, EMPTY_EMBED])), 'CELERIAC_E_BODY', true],
  ['27 kwargs a list', element(bodyOf([[], [], EMPTY_EMBED])), 'CELERIAC_E_BODY', true],
  ['28 args a string', element(bodyOf(['ab', {}, EMPTY_EMBED])), 'CELERIAC_E_BODY', true],
  ['31 embed a string', element(embedOf('x')), 'CELERIAC_E_EMBED', true],
  ['32 callbacks [5]', element(embedOf({ ...EMPTY_EMBED, callbacks: [5] })), 'CELERIAC_E_EMBED', true],
  ['32 errbacks an object', element(embedOf({ ...EMPTY_EMBED, errbacks: {} })), 'CELERIAC_E_EMBED', true],
  ['33 chain [7]', element(embedOf({ ...EMPTY_EMBED, chain: [7] })), 'CELERIAC_E_EMBED', true],
  [
    '33 chain of a signature with args a number',
    element(embedOf({ ...EMPTY_EMBED, chain: [{ task: 'a', args: 5 }] })),
    'CELERIAC_E_EMBED',
    true,
  ],
  ['34 chord 5', element(embedOf({ ...EMPTY_EMBED, chord: 5 })), 'CELERIAC_E_EMBED', true],
  ['37 an integer of 5,000 digits', element({ bodyText: `[[${'9'.repeat(5000)}], {}, null]` }), 'CELERIAC_E_TOO_LARGE', true],
  [
    '38 nesting of 100,000',
    element({ bodyText: `[[${'['.repeat(100_000)}${']'.repeat(100_000)}], {}, null]` }),
    'CELERIAC_E_TOO_LARGE',
    true,
  ],
  ['38 nesting of 513', element({ bodyText: `[[${'['.repeat(511)}${']'.repeat(511)}], {}, null]` }), 'CELERIAC_E_TOO_LARGE', true],
  ['39 content type unknown', element({ envelope: { 'content-type': 'application/x-foo' } }), 'CELERIAC_E_CONTENT_TYPE', true],
  ['40 pickle', element({ envelope: { 'content-type': 'application/x-python-serialize' } }), 'CELERIAC_E_CONTENT_TYPE', true],
  ['41 yaml', element({ envelope: { 'content-type': 'application/x-yaml' } }), 'CELERIAC_E_CONTENT_TYPE', true],
  ['41 msgpack', element({ envelope: { 'content-type': 'application/x-msgpack' } }), 'CELERIAC_E_CONTENT_TYPE', true],
  ['41 plain text', element({ envelope: { 'content-type': 'text/plain' } }), 'CELERIAC_E_CONTENT_TYPE', true],
  ['42 content type missing', element({ envelope: { 'content-type': undefined } }), 'CELERIAC_E_CONTENT_TYPE', true],
  ['42 content type a number', element({ envelope: { 'content-type': 5 } }), 'CELERIAC_E_CONTENT_TYPE', true],
  ['43 content encoding unknown', element({ envelope: { 'content-encoding': 'x-nope' } }), 'CELERIAC_E_CONTENT_ENCODING', true],
  ['44 content encoding a number', element({ envelope: { 'content-encoding': 5 } }), 'CELERIAC_E_CONTENT_ENCODING', true],
  ['45 compression unknown', element({ headers: { compression: 'application/x-nope' } }), 'CELERIAC_E_COMPRESSION', true],
  ['45 compression a number', element({ headers: { compression: 5 } }), 'CELERIAC_E_COMPRESSION', true],
  ['46 compression corrupt', element({ headers: { compression: 'application/x-gzip' } }), 'CELERIAC_E_COMPRESSION', true],
  [
    '46 compression cut short',
    element({ headers: { compression: 'application/x-gzip' }, bodyBytes: deflateSync('[[], {}, null]').subarray(0, -3) }),
    'CELERIAC_E_COMPRESSION',
    true,
  ],
  [
    '47 a zip bomb',
    element({ headers: { compression: 'application/x-gzip' }, bodyBytes: deflateSync(Buffer.alloc(65 * 1024 * 1024, 0x20)) }),
    'CELERIAC_E_TOO_LARGE',
    true,
  ],
  ['48 id missing', element({ headers: { id: undefined } }), 'CELERIAC_E_TASK_ID', false],
  ['49 id null', element({ headers: { id: null } }), 'CELERIAC_E_TASK_ID', false],
  ['49 id empty', element({ headers: { id: '' } }), 'CELERIAC_E_TASK_ID', false],
  ['50 id an object', element({ headers: { id: {} } }), 'CELERIAC_E_TASK_ID', false],
  ['51 id of 1 MB', element({ headers: { id: 'x'.repeat(1_000_000) } }), 'CELERIAC_E_TASK_ID', false],
  ['51 id of 256 characters', element({ headers: { id: 'x'.repeat(256) } }), 'CELERIAC_E_TASK_ID', false],
  ['51 id with a line break', element({ headers: { id: 'a\nb' } }), 'CELERIAC_E_TASK_ID', false],
  ['53 task a list', element({ headers: { task: [] } }), 'CELERIAC_E_TASK_NAME', true],
  ['54 task null', element({ headers: { task: null } }), 'CELERIAC_E_TASK_NAME', true],
  ['54 task missing, body a list', element({ headers: { task: undefined } }), 'CELERIAC_E_TASK_NAME', true],
  [
    '54 task missing, body an object without one',
    element({ headers: { task: undefined }, bodyText: '{"id": "x"}' }),
    'CELERIAC_E_TASK_NAME',
    true,
  ],
  ['56 eta garbage', element({ headers: { eta: 'soon' } }), 'CELERIAC_E_REQUEST_FIELD', true],
  ['56 eta of 31 February', element({ headers: { eta: '2026-02-31T00:00:00' } }), 'CELERIAC_E_REQUEST_FIELD', true],
  ['57 eta a number', element({ headers: { eta: 5 } }), 'CELERIAC_E_REQUEST_FIELD', true],
  ['60 expires garbage', element({ headers: { expires: 'late' } }), 'CELERIAC_E_REQUEST_FIELD', true],
  ['60 expires a list', element({ headers: { expires: [] } }), 'CELERIAC_E_REQUEST_FIELD', true],
  ['61 timelimit a string', element({ headers: { timelimit: '30' } }), 'CELERIAC_E_REQUEST_FIELD', true],
  ['62 timelimit of strings', element({ headers: { timelimit: ['30', '20'] } }), 'CELERIAC_E_REQUEST_FIELD', true],
  ['63 timelimit of one element', element({ headers: { timelimit: [30] } }), 'CELERIAC_E_REQUEST_FIELD', true],
  ['64 timelimit negative', element({ headers: { timelimit: [-5, null] } }), 'CELERIAC_E_REQUEST_FIELD', true],
  ['65 retries "many"', element({ headers: { retries: 'many' } }), 'CELERIAC_E_REQUEST_FIELD', true],
  ['65 retries negative', element({ headers: { retries: -1 } }), 'CELERIAC_E_REQUEST_FIELD', true],
  ['65 retries a fraction', element({ headers: { retries: 0.5 } }), 'CELERIAC_E_REQUEST_FIELD', true],
  ['75 a message over 8 MiB', element({ bodyText: `[["${'x'.repeat(8 * 1024 * 1024)}"], {}, null]` }), 'CELERIAC_E_TOO_LARGE', true],
  ['75 an envelope far over 8 MiB', 'x'.repeat(21 * 1024 * 1024), 'CELERIAC_E_TOO_LARGE', false],
  ['76 an unknown __type__', element(bodyOf([[{ __type__: 'x', __value__: 1 }], {}, null])), 'CELERIAC_E_BODY', true],
  [
    '77 a uuid with extra keys',
    element(bodyOf([[{ __type__: 'uuid', __value__: { hex: '0'.repeat(32), version: 4 } }], {}, null])),
    'CELERIAC_E_BODY',
    true,
  ],
  ['77 a datetime that is none', element(bodyOf([[{ __type__: 'datetime', __value__: 'now' }], {}, null])), 'CELERIAC_E_BODY', true],
];

describe('a message of the bad-input catalogue is refused with its code', () => {
  test.each(REFUSED)('%s', (_row, text, code, hasId) => {
    const received = receive(text);
    expect(received.stage).not.toBe('run');
    if (received.stage === 'run') return;
    expect(received.refusal.code).toBe(code);
    expect(received.refusal.id).toBe(hasId ? ID : null);
    expect(received.refusal.reason.length).toBeLessThan(300);
  });
});

function run(parts: Parts): Extract<Received, { stage: 'run' }> {
  const received = receive(element(parts));
  if (received.stage !== 'run') throw new Error(`refused: ${received.refusal.code} ${received.refusal.reason}`);
  return received;
}

describe('a message of the bad-input catalogue that can be honoured runs', () => {
  test('6 no properties at all', () => {
    expect(run({ envelope: { properties: undefined } }).body.args).toEqual([1, 2]);
  });
  test('7 to 9 no delivery tag, no delivery info, a tag that is an object', () => {
    expect(run({ properties: { delivery_tag: undefined } }).body.args).toEqual([1, 2]);
    expect(run({ properties: { delivery_info: undefined } }).request.deliveryInfo.routingKey).toBe('');
    expect(run({ properties: { delivery_tag: {} } }).body.args).toEqual([1, 2]);
  });
  test('10 a priority that is no number is dropped', () => {
    expect(run({ properties: { priority: 'high' } }).request.deliveryInfo.priority).toBeNull();
  });
  test('16 a body in plain text, with and without saying so', () => {
    const text = JSON.stringify([[1, 2], {}, null]);
    expect(run({ envelope: { body: text }, properties: { body_encoding: 'utf-8' } }).body.args).toEqual([1, 2]);
    expect(run({ envelope: { body: text }, properties: { body_encoding: undefined } }).body.args).toEqual([1, 2]);
  });
  test('29 __proto__ and __class__ are ordinary keys', () => {
    const { body } = run({ bodyText: '[[{"__proto__": {"polluted": 1}}], {"__proto__": {"polluted": 1}, "__class__": 1}, null]' });
    expect(Object.keys(body.kwargs)).toEqual(['__proto__', '__class__']);
    expect(Object.getPrototypeOf(body.kwargs)).toBeNull();
    expect((body.kwargs as { polluted?: number }).polluted).toBeUndefined();
    expect((body.args[0] as { polluted?: number }).polluted).toBeUndefined();
    expect(Object.keys(body.args[0] as object)).toEqual(['__proto__']);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });
  test('30 an embed that is null or empty', () => {
    expect(run(embedOf(null)).body.embed).toEqual(EMPTY_EMBED);
    expect(run(embedOf({})).body.embed).toEqual(EMPTY_EMBED);
  });
  test('35 NaN and Infinity as Python writes them', () => {
    expect(run({ bodyText: '[[NaN, Infinity, -Infinity], {}, null]' }).body.args).toEqual([
      Number.NaN,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
    ]);
  });
  test('36 an integer beyond 2^53 is exact', () => {
    expect(run({ bodyText: '[[9007199254740993, -18446744073709551616], {}, null]' }).body.args).toEqual([
      9007199254740993n,
      -18446744073709551616n,
    ]);
  });
  test('37 an integer of 4,300 digits', () => {
    expect(run({ bodyText: `[[${'9'.repeat(4300)}], {}, null]` }).body.args).toEqual([10n ** 4300n - 1n]);
  });
  test('38 nesting of 512', () => {
    expect(run({ bodyText: `[[${'['.repeat(510)}${']'.repeat(510)}], {}, null]` }).body.args).toHaveLength(1);
  });
  test('45 compression: zlib as kombu, real gzip, aliases', () => {
    const text = JSON.stringify([[1, 2], {}, null]);
    for (const [compression, bodyBytes] of [
      ['application/x-gzip', deflateSync(text)],
      ['application/x-gzip', gzipSync(text)],
      ['zlib', deflateSync(text)],
      ['gzip', deflateSync(text)],
    ] as const)
      expect(run({ headers: { compression }, bodyBytes }).body.args).toEqual([1, 2]);
  });
  test('55 names that objects have by birth are names', () => {
    for (const task of ['__proto__', 'constructor', 'toString']) expect(run({ headers: { task } }).request.taskName).toBe(task);
  });
  test('58, 59 the years 1 and 9999', () => {
    expect(run({ headers: { eta: '0001-01-01T00:00:00+00:00' } }).request.eta?.epochMs).toBe(-62135596800000);
    expect(run({ headers: { eta: '9999-12-31T23:59:59.999999+00:00' } }).request.eta?.epochMs).toBeGreaterThanOrEqual(253402300799999);
  });
  test('64 a timelimit of 0 is none, as in Celery', () => {
    const { request } = run({ headers: { timelimit: [0, 2.5] } });
    expect([request.timeLimitS, request.softTimeLimitS]).toEqual([null, 2.5]);
  });
  test('66, 67 fields that are only shown or passed on are dropped', () => {
    const { request } = run({
      headers: { stamped_headers: 5, stamps: 5, shadow: {}, group: {}, root_id: {}, parent_id: 7, group_index: 'x', origin: [] },
      properties: { reply_to: {} },
    });
    expect(request).toMatchObject({
      stampedHeaders: null,
      stamps: {},
      shadow: null,
      groupId: null,
      rootId: ID,
      parentId: null,
      groupIndex: null,
      origin: null,
      replyTo: null,
    });
  });
  test('68 an argsrepr of 5 MB is cut', () => {
    expect(run({ headers: { argsrepr: 'x'.repeat(5_000_000), kwargsrepr: 5 } }).request).toMatchObject({
      argsRepr: `${'x'.repeat(1021)}...`,
      kwargsRepr: '',
    });
  });
  test('71 the last of two equal keys wins', () => {
    expect(run({ bodyText: '[[], {"a": 1, "a": 2}, null]' }).body.kwargs).toEqual({ a: 2 });
  });
  test('72 a lone surrogate is kept', () => {
    expect(run({ bodyText: '[["\\ud800"], {}, null]' }).body.args).toEqual(['\ud800']);
  });
  test('73 protocol 1', () => {
    const received = run({
      headers: { task: undefined, id: undefined, retries: undefined, timelimit: undefined, lang: undefined },
      bodyText: JSON.stringify({
        task: NAME,
        id: ID,
        args: [1],
        kwargs: { y: 2 },
        group: null,
        taskset: 'g1',
        group_index: 3,
        retries: 2,
        eta: '2026-11-21T10:00:00',
        expires: null,
        utc: true,
        callbacks: [{ task: 'tasks.echo', args: [], kwargs: {} }],
        errbacks: null,
        timelimit: [30, 20],
        chord: null,
      }),
    });
    expect(received.request).toMatchObject({
      protocol: 1,
      id: ID,
      taskName: NAME,
      rootId: ID,
      groupId: 'g1',
      groupIndex: 3,
      retries: 2,
      timeLimitS: 30,
      softTimeLimitS: 20,
      contentType: 'application/json',
      argsRepr: '(1,)',
      kwargsRepr: "{'y': 2}",
    });
    expect(received.request.eta?.epochMs).toBe(Date.UTC(2026, 10, 21, 10));
    expect(received.body.args).toEqual([1]);
    expect(received.body.embed.callbacks).toHaveLength(1);
  });
  test('73 hybrid: metadata in the body, headers override it', () => {
    const { request, body } = run({
      headers: { retries: 1, timelimit: undefined },
      bodyText: JSON.stringify({ task: 'other', id: 'other', args: [1], kwargs: {}, retries: 5, timelimit: [9, null] }),
    });
    expect(request).toMatchObject({ protocol: 'hybrid', id: ID, taskName: NAME, retries: 1, timeLimitS: 9 });
    expect(body.args).toEqual([1]);
  });
});
