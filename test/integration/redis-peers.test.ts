import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type RedisServer, startRedis } from '../brokers/redis.ts';
import {
  consume,
  createInbox,
  expectCode,
  expectDepth,
  freshQueue,
  idOf,
  ids,
  publishAll,
  taskMessage,
} from '../conformance/transport-rig.ts';
import { type PythonResponder, startPythonResponder } from '../python/script.ts';
import { until } from '../until.ts';
import { transportShelf } from './redis-rig.ts';

/** A kombu channel per request, with the transport options of the request. */
const KOMBU = `
from kombu import Connection, Exchange, Queue

def handle(request):
    options = request.get('options', {})
    with Connection(request['url'], transport_options=options) as connection:
        channel = connection.default_channel
        ask = request['ask']
        if ask == 'sweep':
            channel.qos.restore_visible(num=None, interval=1)
            return None
        queue = Queue(request['queue'], Exchange(request.get('exchange', ''), type=request.get('type', 'direct')) if request.get('exchange') else None, routing_key=request.get('key', request['queue']))
        bound = queue(channel)
        if ask == 'declare':
            bound.declare()
            return None
        if ask == 'publish':
            producer = connection.Producer(serializer='json')
            for item in request['items']:
                producer.publish([[], {}, {}], exchange='', routing_key=request['queue'], headers={'id': item['id'], 'task': 't'}, priority=item.get('priority', 0), declare=[bound])
            return None
        if ask == 'get':
            message = bound.get()
            if message is None:
                return None
            found = {'id': message.headers['id'], 'redelivered': message.headers.get('redelivered', False), 'body': message.payload, 'keys': sorted(message._raw if hasattr(message, '_raw') else [])}
            message.ack()
            return found
        raise ValueError(ask)
`;

interface Got {
  readonly id: string;
  readonly redelivered: boolean;
  readonly body: unknown;
}

describe('Redis shared with kombu 5.7', () => {
  let server: RedisServer;
  let admin: Redis;
  let kombu: PythonResponder;
  const shelf = transportShelf();
  const ask = (request: Record<string, unknown>): Promise<unknown> => kombu.ask({ url: server.url, ...request });
  beforeAll(async () => {
    server = await startRedis();
    admin = new Redis(server.url);
    kombu = await startPythonResponder(KOMBU);
  });
  beforeEach(async () => {
    await admin.flushall();
  });
  afterEach(async () => {
    await shelf.close();
  });
  afterAll(async () => {
    admin.disconnect();
    await kombu.stop();
    await server.stop();
  });

  it('has a parked message put back by any peer when it is due, and not before', async () => {
    const queue = freshQueue('parked');
    const transport = shelf.create({ url: server.url });
    await publishAll(transport, queue, ['parked']);
    const inbox = createInbox();
    const consumer = await consume(transport, inbox, [queue], { credit: 1 });
    const [delivery] = await inbox.atLeast(1);
    const dueAtMs = Date.now() + 1_500;
    await delivery?.park(dueAtMs);
    expect(await transport.queues.nextDueMs()).toBeCloseTo(dueAtMs, -1);
    await consumer.close();
    await shelf.close();
    await ask({ ask: 'sweep' });
    if (Date.now() < dueAtMs - 200) expect(await admin.llen(queue.name)).toBe(0);
    await until(
      async () => {
        await ask({ ask: 'sweep' });
        return (await admin.llen(queue.name)) === 1;
      },
      { what: 'the restored message' },
    );
    expect(Date.now()).toBeGreaterThanOrEqual(dueAtMs);
    const later = shelf.create({ url: server.url });
    const box = createInbox((each) => void each.ack());
    await consume(later, box, [queue]);
    expect(ids(await box.atLeast(1))).toEqual(['parked']);
    await until(async () => (await admin.zcard('celeriac.due')) === 0, { what: 'our due index to forget it' });
    await until(async () => (await admin.hlen('unacked')) === 0, { what: 'an empty unacked' });
    expect(box.deliveries.length).toBe(1);
    expect(await admin.exists('celeriac.due.buckets')).toBe(0);
  });

  it('has its claim restored by a Python sweep whose visibility timeout is over, and learns it at the ack', async () => {
    const queue = freshQueue('stolen');
    const transport = shelf.create({ url: server.url });
    await publishAll(transport, queue, ['stolen']);
    const inbox = createInbox();
    await consume(transport, inbox, [queue], { credit: 1 });
    const [delivery] = await inbox.atLeast(1);
    const index = await admin.zrange('unacked_index', '0', '0');
    await admin.zadd('unacked_index', 'XX', String(Date.now() / 1000 - 4_000), index[0] as string);
    await ask({ ask: 'sweep' });
    await expectDepth(transport, queue, 1);
    if (delivery === undefined) throw new Error('nothing delivered');
    await expectCode(delivery.ack(), 'CELERIAC_E_CONNECTION');
    expect(delivery.lost.aborted).toBe(true);
    const again = (await inbox.atLeast(2))[1];
    expect([idOf(again), again?.redelivered]).toEqual(['stolen', true]);
    await again?.ack();
    expect(await admin.hlen('unacked')).toBe(0);
  });

  it('gives a marked message back so that Python can read it', async () => {
    const queue = freshQueue('marked');
    const transport = shelf.create({ url: server.url });
    await publishAll(transport, queue, ['marked']);
    const inbox = createInbox();
    const consumer = await consume(transport, inbox, [queue], { credit: 1 });
    await (await inbox.atLeast(1))[0]?.requeue({ lost: true });
    const second = (await inbox.atLeast(2))[1];
    await consumer.close();
    await second?.requeue({ lost: true });
    expect(await admin.lindex(queue.name, 0)).toMatch(/^\{"celeriac": \[2,2\], "body"/);
    const got = (await ask({ ask: 'get', queue: queue.name })) as Got;
    expect(got.id).toBe('marked');
    expect(got.body).toEqual([[1, 2], {}, { callbacks: null, errbacks: null, chain: null, chord: null }]);
  });

  it("takes Python's priorities in kombu's order", async () => {
    const queue = freshQueue('priorities');
    const items = [9, 6, 3, 0, 5].map((priority) => ({ id: `p${priority}`, priority }));
    await ask({ ask: 'publish', queue: queue.name, items });
    expect(await admin.llen(`${queue.name}\u0006\u00163`)).toBe(2);
    const transport = shelf.create({ url: server.url });
    const inbox = createInbox((delivery) => void delivery.ack());
    await consume(transport, inbox, [queue], { credit: 1 });
    expect(ids(await inbox.atLeast(5))).toEqual(['p0', 'p3', 'p5', 'p6', 'p9']);
    await transport.publish({
      message: { ...taskMessage('urgent'), properties: { priority: 7 } },
      exchange: '',
      routingKey: 'other',
      queue: { name: 'other' },
    });
    expect(await admin.llen('other\u0006\u00166')).toBe(1);
  });

  it('shares a database by key prefix, separator and priority steps', async () => {
    const queue = freshQueue('prefixed');
    const transport = shelf.create({
      url: server.url,
      transportOptions: { globalKeyprefix: 'app1:', sep: ':', prioritySteps: [0, 5] },
    });
    const options = { global_keyprefix: 'app1:', sep: ':', priority_steps: [0, 5] };
    await ask({ ask: 'publish', queue: queue.name, items: [{ id: 'from-python', priority: 6 }], options });
    expect(await admin.llen(`app1:${queue.name}:5`)).toBe(1);
    const inbox = createInbox();
    await consume(transport, inbox, [queue], { credit: 1 });
    const [delivery] = await inbox.atLeast(1);
    expect(idOf(delivery)).toBe('from-python');
    await delivery?.quarantine({ code: 'CELERIAC_E_BODY', reason: 'a test' });
    await publishAll(transport, queue, ['to-python']);
    const held = (await inbox.atLeast(2))[1];
    await held?.park(Date.now() + 60_000);
    for (const key of await admin.keys('*')) expect(key).toMatch(/^app1:/);
    await admin.zadd('app1:unacked_index', 'XX', '1', (await admin.zrange('app1:unacked_index', '0', '0'))[0] as string);
    await shelf.close();
    await ask({ ask: 'sweep', options });
    expect(((await ask({ ask: 'get', queue: queue.name, options })) as Got).id).toBe('to-python');
  });

  it('binds as kombu does and follows its bindings', async () => {
    const transport = shelf.create({ url: server.url });
    await ask({ ask: 'declare', queue: 'py-topic', exchange: 'orders', type: 'topic', key: 'order.*.eu-west.#' });
    const before = await admin.smembers('_kombu.binding.orders');
    await transport.queues.declare({ name: 'py-topic', exchange: 'orders', exchangeType: 'topic', routingKey: 'order.*.eu-west.#' });
    expect(await admin.smembers('_kombu.binding.orders')).toEqual(before);
    expect(await admin.smembers('_kombu.binding_permanent.orders')).toEqual(before);
    await transport.publish({ message: taskMessage('routed'), exchange: 'orders', routingKey: 'order.paid.eu-west.1' });
    expect(((await ask({ ask: 'get', queue: 'py-topic' })) as Got).id).toBe('routed');
    await expectCode(
      transport.publish({ message: taskMessage('lost'), exchange: 'orders', routingKey: 'order.paid.us' }),
      'CELERIAC_E_UNROUTABLE',
    );
    await transport.queues.declare({ name: 'brief', arguments: { 'x-expires': 60_000 } });
    expect(await admin.zscore('_kombu.binding_deadlines', 'brief')).not.toBeNull();
    expect(await admin.exists('_kombu.binding_permanent.brief')).toBe(0);
    await publishAll(transport, { name: 'brief', arguments: { 'x-expires': 60_000 } }, ['short-lived']);
    expect(await admin.pttl('brief')).toBeGreaterThan(50_000);
  });
});
