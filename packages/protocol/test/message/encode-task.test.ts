import { inflateSync } from 'node:zlib';
import {
  decodeBody,
  decodeEnvelope,
  decodeRedisEnvelope,
  encodeRedisEnvelope,
  encodeTask,
  hasEmptyEmbed,
  type Message,
  type Request,
  retryMessage,
} from '@celeriac/protocol';
import { describe, expect, test } from 'vitest';

const FROM = { exchange: '', routingKey: 'celery', priority: 3, redelivered: false };
const bodyText = (message: Message): string => new TextDecoder().decode(message.body);

function requestOf(message: Message): Request {
  const decoded = decodeEnvelope(message, FROM);
  if (decoded.kind === 'refused') throw new Error(decoded.refusal.reason);
  return decoded.request;
}

describe('encodeTask', () => {
  test('names all headers of protocol 2 in order, then custom ones, which may override', () => {
    const message = encodeTask({
      name: 'tasks.add',
      taskId: 't1',
      args: [1],
      kwargs: { y: 2 },
      headers: { team: 'a', shadow: 'shown' },
      origin: 'gen1@h',
    });
    expect(Object.entries(message.headers)).toEqual([
      ['lang', 'js'],
      ['task', 'tasks.add'],
      ['id', 't1'],
      ['shadow', 'shown'],
      ['eta', null],
      ['expires', null],
      ['group', null],
      ['group_index', null],
      ['retries', 0],
      ['timelimit', [null, null]],
      ['root_id', 't1'],
      ['parent_id', null],
      ['argsrepr', '(1,)'],
      ['kwargsrepr', "{'y': 2}"],
      ['origin', 'gen1@h'],
      ['ignore_result', null],
      ['replaced_task_nesting', 0],
      ['stamped_headers', null],
      ['stamps', {}],
      ['team', 'a'],
    ]);
    expect(bodyText(message)).toBe('[[1], {"y": 2}, {"callbacks": null, "errbacks": null, "chain": null, "chord": null}]');
    expect(message).toMatchObject({
      contentType: 'application/json',
      contentEncoding: 'utf-8',
      properties: { correlationId: 't1', replyTo: '', deliveryMode: 2 },
    });
    expect('priority' in message.properties).toBe(false);
  });

  test('writes a Date as Python does, and text as it is', () => {
    const { headers } = encodeTask({
      name: 't',
      taskId: 'i',
      eta: new Date(Date.UTC(2026, 0, 1)),
      expires: '2026-01-02T00:00:00.123456+02:00',
    });
    expect([headers.eta, headers.expires]).toEqual(['2026-01-01T00:00:00.000000+00:00', '2026-01-02T00:00:00.123456+02:00']);
    expect(() => encodeTask({ name: 't', taskId: 'i', eta: new Date(Number.NaN) })).toThrow(/CELERIAC_E_VALUE/);
  });

  test.each(['gzip', 'deflate'] as const)('compresses by %s as kombu reads it', (compression) => {
    const message = encodeTask({ name: 't', taskId: 'i', args: ['x'.repeat(1000)], compression });
    expect(message.headers.compression).toBe('application/x-gzip');
    expect(inflateSync(message.body).toString()).toContain('xxx');
    expect(decodeBody(requestOf(message))).toMatchObject({ kind: 'body', body: { args: ['x'.repeat(1000)] } });
  });

  test('takes a body that is text already', () => {
    const message = encodeTask({ name: 't', taskId: 'i', bodyJson: '[[1.0], {}, null]', argsRepr: '(1.0,)' });
    expect([bodyText(message), message.headers.argsrepr]).toEqual(['[[1.0], {}, null]', '(1.0,)']);
  });

  test.each<[string, object]>([
    ['no name', { name: '' }],
    ['no id', { taskId: '' }],
    ['args that are text', { args: 'ab' }],
    ['kwargs that are a list', { kwargs: [] }],
    ['kwargs that are a Map', { kwargs: new Map() }],
  ])('makes no message that ends a Python worker: %s', (_name, part) => {
    expect(() => encodeTask({ name: 't', taskId: 'i', ...part })).toThrow(/^CELERIAC_E_VALUE: /);
  });

  test('says what cannot be sent', () => {
    expect(() => encodeTask({ name: 't', taskId: 'i', args: [() => 1] })).toThrow(/^CELERIAC_E_VALUE: .*function/);
  });
});

describe('hasEmptyEmbed', () => {
  const withBody = (body: string): Request => ({
    ...requestOf(encodeTask({ name: 't', taskId: 'i' })),
    body: new TextEncoder().encode(body),
  });

  test.each([
    ['as Celery writes it', '[[], {}, {"callbacks": null, "errbacks": null, "chain": null, "chord": null}]', true],
    ['compact', '[[],{},{"callbacks":null,"errbacks":null,"chain":null,"chord":null}]', true],
    ['empty', '[[], {}, {}]', true],
    ['a chain', '[[], {}, {"callbacks": null, "errbacks": null, "chain": [{"task": "a"}], "chord": null}]', false],
    ['an empty chain', '[[], {}, {"callbacks": null, "errbacks": null, "chain": [], "chord": null}]', false],
    [
      'the same in a string of args, then a chord',
      '[["{\\"callbacks\\": null}]"], {}, {"callbacks": null, "errbacks": null, "chain": null, "chord": {}}]',
      false,
    ],
    ['nothing', '', false],
  ])('%s', (_name, body, empty) => {
    expect(hasEmptyEmbed(withBody(body))).toBe(empty);
  });

  test('is not sure of what is compressed', () => {
    expect(hasEmptyEmbed(requestOf(encodeTask({ name: 't', taskId: 'i', compression: 'gzip' })))).toBe(false);
  });
});

describe('retryMessage', () => {
  const first = encodeTask({
    name: 'tasks.add',
    taskId: 't1',
    args: [1],
    rootId: 'r',
    groupId: 'g',
    groupIndex: 1,
    retries: 1,
    expires: '2026-12-01T00:00:00+00:00',
    timeLimitS: 30,
    softTimeLimitS: 20,
    ignoreResult: true,
    headers: { team: 'a' },
    replyTo: 'q',
    correlationId: 'c',
    stampedHeaders: ['s'],
    stamps: { s: 1 },
    origin: 'gen1@h',
    shadow: 'shown',
    compression: 'gzip',
  });
  const redelivered: Message = {
    ...first,
    headers: {
      ...first.headers,
      redelivered: true,
      'x-death': [{}],
      'x-first-death-queue': 'q',
      'x-delivery-count': 2,
      'x-celeriac-losses': 1,
    },
  };

  test('keeps what the task is, counts one retry, leaves the marks of brokers behind', () => {
    const request = requestOf(redelivered);
    expect(request.headers).toEqual({ team: 'a' });
    const next = retryMessage(request, { etaText: '2026-11-21T10:00:00+00:00', bodyJson: null, parentId: 't1' });
    expect(next.headers).toEqual({ ...first.headers, retries: 2, eta: '2026-11-21T10:00:00+00:00', parent_id: 't1' });
    expect(Object.keys(next.headers).slice(0, 19)).toEqual(Object.keys(first.headers).slice(0, 19));
    expect(next.body).toBe(request.body);
    expect(next.properties).toEqual({ correlationId: 'c', replyTo: 'q', deliveryMode: 2, priority: 3 });
  });

  test('takes new arguments and limits', () => {
    const next = retryMessage(requestOf(first), {
      etaText: null,
      bodyJson: '[[2], {}, null]',
      parentId: null,
      timeLimitS: null,
      priority: null,
      argsRepr: '(2,)',
      headers: { team: 'b' },
    });
    expect(next.headers).toMatchObject({ timelimit: [null, 20], argsrepr: '(2,)', team: 'b', parent_id: null });
    expect(next.headers.compression).toBeUndefined();
    expect(bodyText(next)).toBe('[[2], {}, null]');
    expect(next.properties.priority).toBeUndefined();
  });
});

describe('the Redis envelope', () => {
  const message = encodeTask({ name: 't', taskId: 'i', args: ['é'], priority: 6, expirationMs: 1500 });

  test('has the members of kombu in a round trip', () => {
    const element = encodeRedisEnvelope(message, { exchange: 'ex', routingKey: 'rk' }, 'tag');
    expect(JSON.parse(element).properties).toEqual({
      correlation_id: 'i',
      reply_to: '',
      delivery_mode: 2,
      delivery_info: { exchange: 'ex', routing_key: 'rk' },
      priority: 6,
      body_encoding: 'base64',
      delivery_tag: 'tag',
      expiration: '1500',
    });
    expect(decodeRedisEnvelope(element)).toEqual({
      kind: 'message',
      message: { ...message, body: Buffer.from(message.body) },
      exchange: 'ex',
      routingKey: 'rk',
      redelivered: false,
      redeliveries: 0,
      losses: 0,
    });
  });

  test('tells a redelivery by our prefix, by the header or by the delivery info', () => {
    const element = encodeRedisEnvelope(message, { exchange: '', routingKey: 'q' }, 'tag');
    expect(decodeRedisEnvelope(`{"celeriac": [3,1], ${element.slice(1)}`)).toMatchObject({ redelivered: true, redeliveries: 3, losses: 1 });
    expect(decodeRedisEnvelope(`{"celeriac": "x", ${element.slice(1)}`)).toMatchObject({ redelivered: false, redeliveries: 0, losses: 0 });
    expect(decodeRedisEnvelope(element.replace('"headers": {', '"headers": {"redelivered": true, '))).toMatchObject({
      redelivered: true,
      redeliveries: 0,
    });
    expect(decodeRedisEnvelope(element.replace('"exchange": ""', '"redelivered": true, "exchange": ""'))).toMatchObject({
      redelivered: true,
    });
  });
});
