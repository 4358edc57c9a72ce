import { randomUUID } from 'node:crypto';
import { createControlClient } from '@celeriac/brokers';
import { connect } from 'amqplib';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../until.ts';
import { type HostileRig, openHostileRig } from './hostile-rig.ts';

const NODE = 'hostile@test';

/** Puts raw bytes with raw headers where remote control comes from. */
interface Sender {
  send(body: Uint8Array, headers?: Readonly<Record<string, unknown>>, contentType?: string): Promise<void>;
  close(): Promise<void>;
}

async function redisSender(url: string): Promise<Sender & { publish(raw: string | Buffer): Promise<void> }> {
  const redis = new Redis(url);
  const publish = async (raw: string | Buffer): Promise<void> => {
    expect(await redis.publish('/0.celery.pidbox', raw)).toBeGreaterThan(0); // somebody listens
  };
  return {
    publish,
    send: (body, headers = {}, contentType = 'application/json') =>
      publish(
        JSON.stringify({
          body: Buffer.from(body).toString('base64'),
          ...{ 'content-encoding': 'utf-8', 'content-type': contentType, headers },
          properties: {
            body_encoding: 'base64',
            delivery_tag: randomUUID(),
            delivery_info: { exchange: 'celery.pidbox', routing_key: '' },
          },
        }),
      ),
    close: async () => redis.disconnect(),
  };
}

async function rabbitmqSender(url: string): Promise<Sender> {
  const connection = await connect(url);
  const channel = await connection.createConfirmChannel();
  return {
    async send(body, headers = {}, contentType = 'application/json') {
      channel.publish('celery.pidbox', '', Buffer.from(body), { headers, contentType, contentEncoding: 'utf-8' });
      await channel.waitForConfirms();
    },
    close: () => connection.close(),
  };
}

const bytes = (value: unknown): Uint8Array => new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));

/** Commands as strangers write them: name, body, headers. */
const COMMANDS: readonly (readonly [name: string, body: unknown, headers?: Readonly<Record<string, unknown>>, contentType?: string])[] = [
  ['a body that is not JSON', 'hello'],
  ['an empty body', ''],
  ['a body that is a number', 5],
  ['a body that is a list', []],
  ['a body null', null],
  ['a body nested 100,000 deep', `{"method": "ping", "arguments": ${'['.repeat(100_000)}${']'.repeat(100_000)}}`],
  ['no method', { arguments: {} }],
  ['a method that is a number', { method: 5 }],
  ['a method __proto__', { method: '__proto__', arguments: { __proto__: 1 } }],
  ['an unknown method', { method: 'format_disk' }],
  ['arguments that are a list', { method: 'ping', arguments: [] }],
  ['arguments that are text', { method: 'ping', arguments: 'x' }],
  ['more arguments than there are', { method: 'ping', arguments: { a: 1, __proto__: {}, constructor: 5 } }],
  ['a destination that is a number', { method: 'shutdown', destination: 5 }],
  ['a destination of numbers', { method: 'shutdown', destination: [5] }],
  ['a clock that is text', { method: 'ping' }, { clock: 'x' }],
  ['a clock at the end of what can be counted', { method: 'ping' }, { clock: Number.MAX_SAFE_INTEGER }],
  ['a negative clock, an expires that is text', { method: 'ping' }, { clock: -5, expires: 'x' }],
  ['a reply_to that is text', { method: 'ping', reply_to: 'x', ticket: 5 }],
  ['a reply_to to the nameless exchange', { method: 'ping', reply_to: { exchange: '', routing_key: 'nowhere' }, ticket: 't' }],
  ['a reply_to to an exchange of another type', { method: 'ping', reply_to: { exchange: 'celery.pidbox', routing_key: 'x' }, ticket: 't' }],
  ['a reply_to to a reserved exchange', { method: 'ping', reply_to: { exchange: 'amq.evil', routing_key: 'x' }, ticket: 't' }],
  [
    'a reply_to of 10,000 characters',
    { method: 'ping', reply_to: { exchange: 'e'.repeat(10_000), routing_key: 'r'.repeat(10_000) }, ticket: 't' },
  ],
  ['a matcher pcre that backtracks', { method: 'shutdown', pattern: '(a+)+$', matcher: 'pcre' }],
  ['a matcher pcre that matches', { method: 'shutdown', pattern: '.*', matcher: 'pcre' }],
  ['a glob of a thousand stars', { method: 'shutdown', pattern: `${'*a'.repeat(500)}b`, matcher: 'glob' }],
  ['a pattern that is a number', { method: 'shutdown', pattern: 5 }],
  ['a revoke of no id', { method: 'revoke', arguments: {} }],
  ['a revoke of an id that is an object', { method: 'revoke', arguments: { task_id: {} } }],
  ['a revoke with a signal that is none', { method: 'revoke', arguments: { task_id: 'x', terminate: true, signal: 'SIGNOPE' } }],
  ['a revoke of 100,000 ids in 4 MB', { method: 'revoke', arguments: { task_id: Array.from({ length: 100_000 }, () => randomUUID()) } }],
  ['a revoke of 100,000 short ids', { method: 'revoke', arguments: { task_id: Array.from({ length: 100_000 }, (_, n) => `i${n}`) } }],
  ['a pool_grow of text', { method: 'pool_grow', arguments: { n: 'many' } }],
  ['a pool_grow of a million', { method: 'pool_grow', arguments: { n: 1_000_000 } }],
  ['a pool_shrink below one', { method: 'pool_shrink', arguments: { n: 1_000 } }],
  ['a time_limit of texts', { method: 'time_limit', arguments: { task_name: 'tasks.add', soft: 'x', hard: 'y' } }],
  ['a rate_limit below zero', { method: 'rate_limit', arguments: { task_name: 'tasks.add', rate_limit: '-5/s' } }],
  ['an add_consumer of a control character', { method: 'add_consumer', arguments: { queue: 'a\u0006\u00163' } }],
  ['an add_consumer of a star', { method: 'add_consumer', arguments: { queue: '*' } }],
  ['an add_consumer of 512 characters', { method: 'add_consumer', arguments: { queue: 'q'.repeat(512) } }],
  ['an add_consumer of an object', { method: 'add_consumer', arguments: { queue: {}, exchange: 5, routing_key: [] } }],
  [
    'an add_consumer to a reserved exchange',
    { method: 'add_consumer', arguments: { queue: 'evil', exchange: 'amq.topic', exchange_type: 'direct' } },
  ],
  ['a cancel_consumer of a queue that is none', { method: 'cancel_consumer', arguments: { queue: 'nothing' } }],
  ['a query_task of a number', { method: 'query_task', arguments: { ids: 5 } }],
  ['a hello with revoked that is text', { method: 'hello', arguments: { from_node: {}, revoked: 'x' } }],
  ['pickle', { method: 'shutdown' }, {}, 'application/x-python-serialize'],
  ['a compression that is none', { method: 'shutdown' }, { compression: 'zlib' }],
];

/** What only a Redis channel can carry. */
const RAWS: readonly (readonly [name: string, raw: string | Buffer])[] = [
  ['an envelope that is not JSON', 'hello'],
  ['an envelope that is nothing', ''],
  ['an envelope that is a list', '[]'],
  ['an envelope that is a number', '5'],
  ['an envelope {}', '{}'],
  ['an envelope with headers null', '{"body": "e30=", "headers": null}'],
  ['an envelope with a body that is a number', '{"body": 5, "headers": {}, "properties": {"body_encoding": "base64"}}'],
  ['bytes that are no text', Buffer.alloc(1_000, 0xff)],
];

describe.each(['redis', 'rabbitmq'] as const)('hostile remote control on %s', (kind) => {
  let rig: HostileRig;
  let sender: Sender;
  beforeAll(async () => {
    rig = await openHostileRig(kind, ['-n', NODE]);
    sender = kind === 'redis' ? await redisSender(rig.broker.broker) : await rabbitmqSender(rig.broker.broker);
  });
  afterAll(async () => {
    await sender?.close();
    await rig?.stop();
  });

  const ask = async (method: string, args: Readonly<Record<string, unknown>> = {}): Promise<unknown> => {
    const client = createControlClient({ bus: rig.transport.bus });
    return (await client.request(method, args, { destination: [NODE], timeoutMs: 30_000 })).get(NODE);
  };
  /** Behind what was sent before: it answers and it works. */
  const lives = async (): Promise<void> => {
    expect(await ask('ping')).toEqual({ ok: 'pong' });
    await rig.good();
  };

  // Not it.each: the titles that it makes hold the messages.
  for (const [name, body, headers, contentType] of COMMANDS) {
    it(name, async () => {
      await sender.send(bytes(body), headers, contentType);
      await lives();
    });
  }

  if (kind === 'redis') {
    for (const [name, raw] of RAWS) {
      it(name, async () => {
        await (sender as Awaited<ReturnType<typeof redisSender>>).publish(raw);
        await lives();
      });
    }
  }

  it('says what is wrong where somebody waits for the answer', async () => {
    expect(await ask('format_disk')).toEqual({ error: "KeyError('format_disk')" });
    expect(await ask('pool_grow', { n: 'many' })).toHaveProperty('error');
    expect(await ask('revoke', { task_id: Array.from({ length: 20_000 }, (_, n) => `i${n}`) })).toHaveProperty('error');
    expect(await ask('add_consumer', { queue: 'a\u0006\u00163' })).toHaveProperty('error');
  });

  it('a revoke of 10,000 ids is obeyed, and keeps nobody waiting', async () => {
    const began = performance.now();
    await sender.send(bytes({ method: 'revoke', arguments: { task_id: Array.from({ length: 10_000 }, (_, n) => `mass-${n}`) } }));
    await lives();
    expect(performance.now() - began).toBeLessThan(20_000);
    const id = await rig.send('tasks.add', [1, 2], { taskId: 'mass-9999' });
    expect(await rig.result(id)).toMatchObject({ status: 'REVOKED' });
  });

  it('none of it changed what it is, and what it takes', async () => {
    expect(await ask('stats')).toMatchObject({ pid: rig.worker.pid, pool: { 'max-concurrency': 2 } });
    const queues = (await ask('active_queues')) as readonly { readonly name: string }[];
    // Redis has no exchanges of its own that could be in the way
    expect(queues.map(({ name }) => name).sort()).toEqual(kind === 'redis' ? ['celery', 'evil', 'other'] : ['celery', 'other']);
    expect(await ask('registered')).toContain('tasks.add');
    expect(rig.peakRssMib()).toBeLessThan(400);
    expect(await rig.transport.queues.depth('celery')).toBe(0);
  });

  it('a shutdown is obeyed, as in Celery, from whoever may publish', async () => {
    await sender.send(bytes({ method: 'shutdown', destination: [NODE] }));
    expect(await rig.worker.ended).toMatchObject({ code: 0 });
    await until(() => rig.worker.descendants().length === 0);
  });
});
