import { expect, it } from 'vitest';
import {
  consume,
  createInbox,
  expectDepth,
  freshQueue,
  idOf,
  ids,
  numbered,
  publishAll,
  taskMessage,
} from '../conformance/transport-rig.ts';
import { until } from '../until.ts';
import { amqpBenches } from './amqp-rig.ts';

const bench = amqpBenches();

it('declares as Celery does', async () => {
  const { transport, rabbitmq, vhost } = await bench();
  await transport().queues.declare({ name: 'celery' });
  const bindings = (await rabbitmq.management('GET', `queues/${vhost.name}/celery/bindings`)) as readonly Record<string, unknown>[];
  expect(bindings.map(({ source, routing_key }) => [source, routing_key])).toContainEqual(['celery', 'celery']);
  const queue = (await rabbitmq.management('GET', `queues/${vhost.name}/celery`)) as Record<string, unknown>;
  expect(queue).toMatchObject({ durable: true, auto_delete: false, exclusive: false, arguments: {} });
  expect(await rabbitmq.management('GET', `exchanges/${vhost.name}/celery`)).toMatchObject({
    type: 'direct',
    durable: true,
    auto_delete: false,
  });
});

it('uses two connections, and per-consumer prefetch only', async () => {
  const { transport, rabbitmq, vhost } = await bench();
  const worker = transport();
  const queue = freshQueue();
  await consume(worker, createInbox(), [queue], { credit: 7 });
  await publishAll(worker, queue, ['one']);
  const listed = await until(
    async () => {
      // list_channels knows no -p: other tests have channels on the same node
      const out = await rabbitmq.rabbitmqctl('-q', '--formatter', 'json', 'list_channels', 'vhost', 'connection', 'global_prefetch_count');
      const all = JSON.parse(out) as readonly {
        readonly vhost: string;
        readonly connection: string;
        readonly global_prefetch_count: number;
      }[];
      const channels = all.filter((channel) => channel.vhost === vhost.name);
      return channels.length > 0 ? channels : undefined;
    },
    { what: 'the channels' },
  );
  expect(listed.every((channel) => channel.global_prefetch_count === 0)).toBe(true);
  expect(new Set(listed.map(({ connection }) => connection)).size).toBeLessThanOrEqual(2);
  const consumers = JSON.parse(
    await rabbitmq.rabbitmqctl('-q', '--formatter', 'json', 'list_consumers', '-p', vhost.name, 'queue_name', 'prefetch_count'),
  ) as readonly Record<string, unknown>[];
  expect(consumers).toEqual([{ queue_name: queue.name, prefetch_count: 7 }]);
});

it('declares a deleted queue again and goes on', async () => {
  const { transport, rabbitmq, vhost } = await bench();
  const worker = transport();
  const queue = freshQueue();
  const inbox = createInbox((delivery) => void delivery.ack());
  await consume(worker, inbox, [queue]);
  await publishAll(worker, queue, ['before']);
  await inbox.atLeast(1);
  await rabbitmq.management('DELETE', `queues/${vhost.name}/${queue.name}`);
  // By the worker: nobody else declares it before.
  const exists = async (): Promise<boolean> =>
    (await rabbitmq.queues(vhost)).some(({ name, consumers }) => name === queue.name && consumers > 0);
  await until(exists, { timeoutMs: 60_000, everyMs: 100, what: 'the queue to come back' });
  const other = transport();
  await publishAll(other, queue, ['after']);
  expect(ids(await inbox.atLeast(2))).toEqual(['before', 'after']);
});

it.each(['classic', 'quorum'])(
  'changes the credit 50 times under load on a %s queue without losing, doubling or stalling',
  async (type) => {
    const { transport } = await bench();
    const worker = transport();
    const queue = freshQueue('load', { 'x-queue-type': type });
    const names = numbered('load', 2_000);
    await publishAll(worker, queue, names);
    let most = 0;
    let held = 0;
    let credit = 16;
    let changes = 0;
    const inbox = createInbox((delivery) => {
      most = Math.max(most, ++held);
      setImmediate(() => {
        held--;
        void delivery.ack();
        if (changes < 50 && inbox.deliveries.length > changes * 20) {
          changes++;
          credit = credit === 16 ? 1 : 16;
          consumer.setCredit(credit);
        }
      });
    });
    const consumer = await consume(worker, inbox, [queue], { credit });
    const done = await inbox.atLeast(2_000);
    expect(new Set(ids(done)).size).toBe(2_000);
    expect(changes).toBe(50);
    expect(most).toBeLessThanOrEqual(32);
    await expectDepth(worker, queue, 0);
    expect(inbox.deliveries.length).toBe(2_000);
  },
);

it('lets one busy queue have the credit of idle ones', async () => {
  const { transport } = await bench();
  const worker = transport();
  const queues = [freshQueue('busy'), freshQueue('idle'), freshQueue('idle'), freshQueue('idle')] as const;
  const inbox = createInbox();
  await consume(worker, inbox, queues, { credit: 4 });
  await publishAll(worker, queues[0], numbered('busy', 10));
  await inbox.atLeast(4);
  await publishAll(worker, queues[1], ['other']);
  await until(() => inbox.deliveries.some((delivery) => idOf(delivery) === 'other'), { what: 'a turn for the idle queue' });
  expect(inbox.deliveries.length).toBeLessThanOrEqual(4 + 3);
});

it('parks for one queue only, also where another name is its ending', async () => {
  const { transport } = await bench();
  const worker = transport();
  const stem = freshQueue('emails').name;
  const [high, low] = [{ name: `high.${stem}` }, { name: stem }];
  const inbox = createInbox();
  await consume(worker, inbox, [high, low]);
  await publishAll(worker, high, ['high']);
  await publishAll(worker, low, ['low']);
  // Of the two alone: the first may be back before the second is parked.
  for (const delivery of (await inbox.atLeast(2)).slice(0, 2)) await delivery.park(Date.now() + 1_000);
  const again = (await inbox.atLeast(4)).slice(2);
  expect(again.map((delivery) => `${idOf(delivery)} ${delivery.queue}`).toSorted()).toEqual([`high ${high.name}`, `low ${low.name}`]);
  for (const delivery of again) {
    if (delivery.content.kind === 'message') expect([delivery.content.exchange, delivery.content.routingKey]).toEqual(['', delivery.queue]);
    await delivery.ack();
  }
  await expectDepth(worker, high, 0);
  await expectDepth(worker, low, 0);
  expect(inbox.deliveries.length).toBe(4);
});

it('skips a body that is far too long without taking it into memory, and says what it was', async () => {
  const { transport } = await bench();
  const worker = transport({ transportOptions: { messageBytes: 1_000 } });
  const queue = freshQueue();
  const inbox = createInbox();
  await consume(worker, inbox, [queue]);
  const publish = (id: string, bytes: number) =>
    worker.publish({ message: taskMessage(id, { body: new Uint8Array(bytes) }), exchange: '', routingKey: queue.name, queue });
  await Promise.all([publish('huge', 5_000_000), publish('fits', 1_000), publish('long', 1_001)]);
  const [huge, fits, long] = await inbox.atLeast(3);
  for (const delivery of [huge, long]) {
    if (delivery?.content.kind !== 'unreadable') throw new Error('it was read');
    expect(delivery.content.refusal).toMatchObject({ code: 'CELERIAC_E_TOO_LARGE', taskName: 'tasks.add' });
  }
  expect(huge?.sizeBytes).toBe(5_000_000);
  expect(idOf(fits)).toBe('fits');
});

it('tries a control queue again that a namesake holds', async () => {
  const { transport } = await bench();
  const [first, second, sender] = [transport(), transport(), transport()];
  const node = freshQueue('celery@namesake').name;
  const source = { exchange: 'celery.pidbox', type: 'fanout' as const, binding: '', queue: `${node}.celery.pidbox` };
  await first.bus.subscribe(source, () => {});
  let heard = 0;
  await second.bus.subscribe(source, () => heard++);
  await first.close();
  await until(
    async () => {
      await sender.bus.broadcast('celery.pidbox', '', taskMessage('ping'));
      return heard > 0;
    },
    { everyMs: 200, what: 'the control queue' },
  );
});
