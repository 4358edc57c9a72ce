import type { Delivery } from '@celeriac/brokers';
import { describe, expect, it } from 'vitest';
import { consume, createInbox, expectDepth, freshQueue, publishAll, taskMessage } from '../conformance/transport-rig.ts';
import { runPython } from '../python/script.ts';
import { amqpBenches } from './amqp-rig.ts';

const bench = amqpBenches();

const PUBLISH = `
import sys, datetime, decimal, kombu
with kombu.Connection(sys.argv[1]) as connection:
    producer = connection.Producer()
    def send(id, **headers):
        producer.publish(b'[[], {}, {}]', routing_key=sys.argv[2], exchange='', headers={'id': id, 'task': 't', **headers}, content_type='application/json', content_encoding='utf-8')
    send('epoch', x=1760000000000)
    send('kinds', big=2**62, small=-5, least=-2**63, floating=0.5, yes=True, no=False, none=None, text='Grüße', raw=b'\\x00\\xff',
         listed=[1, 'a', None, [2**40]], nested={'deep': {'er': [{}]}}, when=datetime.datetime(2026, 1, 2, 3, 4, 5), price=decimal.Decimal('12.50'))
    send('after')
`;

const READ = `
import sys, json, kombu
with kombu.Connection(sys.argv[1]) as connection:
    message = connection.SimpleQueue(sys.argv[2]).get(timeout=10)
    message.ack()
    print(json.dumps(message.headers))
`;

const headersOf = (delivery: Delivery | undefined): Readonly<Record<string, unknown>> => {
  if (delivery?.content.kind !== 'message') throw new Error(`not a message: ${JSON.stringify(delivery?.content)}`);
  return delivery.content.message.headers;
};

describe.each(['celery57', 'celery56'] as const)('headers to and from %s', (peer) => {
  it('survives every kind of value that Python puts into a header', async () => {
    const { transport, vhost } = await bench();
    const worker = transport();
    const queue = freshQueue();
    const inbox = createInbox();
    await consume(worker, inbox, [queue]);
    await runPython(PUBLISH, { peer, args: [vhost.url, queue.name] });
    const [epoch, kinds, after] = await inbox.atLeast(3);
    expect(headersOf(epoch)['x']).toBe(1_760_000_000_000);
    expect({ ...headersOf(kinds) }).toEqual({
      id: 'kinds',
      task: 't',
      big: 2n ** 62n,
      small: -5,
      least: -(2n ** 63n),
      floating: 0.5,
      yes: true,
      no: false,
      none: null,
      text: 'Grüße',
      // py-amqp writes bytes as text, tag S, or as x: both are the same bytes
      raw: expect.anything(),
      listed: [1, 'a', null, [2 ** 40]],
      nested: { deep: { er: [{}] } },
      when: new Date('2026-01-02T03:04:05Z'),
      price: 12.5,
    });
    expect(headersOf(after)['id']).toBe('after');
    expect(inbox.events.map(({ kind }) => kind)).toEqual(['connected']);
  });

  it('writes numbers that Python reads as they are', async () => {
    const { transport, vhost } = await bench();
    const producer = transport();
    const queue = freshQueue();
    const headers = {
      timelimit: [300, 200],
      retries: 0,
      byte: 100,
      negative: -1,
      short: 30_000,
      int: 2_000_000_000,
      most: 2 ** 31 - 1,
      least: -(2 ** 31),
      epoch: 1_760_000_000_000,
      huge: 2n ** 60n,
      fraction: 1.5,
      nothing: null,
      yes: true,
      text: 'Grüße',
      nested: { list: [1, [2, { three: 3 }]] },
    };
    await producer.publish({ message: taskMessage('numbers', { headers }), exchange: '', routingKey: queue.name, queue });
    const read = JSON.parse(
      await runPython(READ, { peer, args: [vhost.url, queue.name] }),
      (key, value, context?: { readonly source?: string }) => (key === 'huge' ? BigInt(context?.source ?? '0') : value),
    );
    expect(read).toEqual(headers);
  });
});

it('refuses a header that no table can hold, and only that message', async () => {
  const { transport } = await bench();
  const producer = transport();
  const queue = freshQueue();
  const send = (headers: Record<string, unknown>) =>
    producer.publish({ message: taskMessage('bad', { headers }), exchange: '', routingKey: queue.name, queue });
  await expect(send({ run: () => 1 })).rejects.toMatchObject({ code: 'CELERIAC_E_VALUE' });
  await expect(send({ integer: 2n ** 63n })).rejects.toMatchObject({ code: 'CELERIAC_E_VALUE' });
  await expect(send({ ['k'.repeat(256)]: 1 })).rejects.toMatchObject({ code: 'CELERIAC_E_VALUE' });
  await expect(send({ long: 'x'.repeat(200_000) })).rejects.toMatchObject({ code: 'CELERIAC_E_VALUE' });
  const cycle: Record<string, unknown> = {};
  cycle['self'] = cycle;
  await expect(send(cycle)).rejects.toMatchObject({ code: 'CELERIAC_E_VALUE' });
  await publishAll(producer, queue, ['good']);
  await expectDepth(producer, queue, 1);
});
