import { expect, it } from 'vitest';
import { startOwnRabbitmq } from '../brokers/rabbitmq.ts';
import {
  consume,
  createInbox,
  expectCode,
  expectDepth,
  freshQueue,
  idOf,
  numbered,
  publishAll,
  taskMessage,
} from '../conformance/transport-rig.ts';
import { until } from '../until.ts';
import { amqpBenches } from './amqp-rig.ts';

const bench = amqpBenches(() => startOwnRabbitmq());

it('sends again what a lost connection left unconfirmed; what resolved is there', async () => {
  const { transport, proxy } = await bench();
  const producer = transport({ transportOptions: { publishWindow: 100 } });
  const queue = freshQueue();
  await producer.queues.declare(queue);
  const names = numbered('again', 3_000);
  let confirmed = 0;
  let cuts = 0;
  await Promise.all(
    names.map(async (id) => {
      await producer.publish({ message: taskMessage(id), exchange: '', routingKey: queue.name, queue });
      if (++confirmed % 700 === 0) {
        cuts++;
        proxy.cut();
      }
    }),
  );
  expect(cuts).toBe(4);
  const seen = new Set<string>();
  const inbox = createInbox((delivery) => {
    seen.add(idOf(delivery));
    void delivery.ack();
  });
  await consume(producer, inbox, [queue], { credit: 500 });
  await until(() => seen.size === names.length, { what: `${names.length} messages` });
});

it('rejects as uncertain what was sent and not confirmed in time, as not published what was not sent', async () => {
  const { transport, proxy } = await bench();
  const producer = transport({ publishTimeoutMs: 5_000, transportOptions: { publishWindow: 1 } });
  const queue = freshQueue();
  await publishAll(producer, queue, ['warm-up']);
  proxy.freeze();
  const publish = (id: string) => producer.publish({ message: taskMessage(id), exchange: '', routingKey: queue.name, queue });
  const [sent, waiting] = [publish('sent'), publish('waiting')];
  await Promise.all([expectCode(sent, 'CELERIAC_E_PUBLISH_UNCERTAIN'), expectCode(waiting, 'CELERIAC_E_PUBLISH')]);
  proxy.thaw();
  await publish('later');
});

it('cannot reach a broker that is not there, in time', async () => {
  const { transport, proxy } = await bench();
  proxy.refuse();
  const producer = transport({ publishTimeoutMs: 700 });
  await expectCode(producer.publish({ message: taskMessage('nobody'), exchange: '', routingKey: 'q' }), 'CELERIAC_E_PUBLISH');
  await expectCode(producer.queues.depth('q'), 'CELERIAC_E_CONNECTION');
});

it('says at once that the login is refused, without the password', async () => {
  const { transport, vhost } = await bench();
  const producer = transport({ url: vhost.url.replace('guest:guest', 'guest:s3cret') });
  const error = await producer
    .publish({ message: taskMessage('refused'), exchange: '', routingKey: 'q' })
    .catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: 'CELERIAC_E_PUBLISH' });
  expect(String(error)).not.toContain('s3cret');
  await expectCode(consume(producer, createInbox(), [freshQueue()]), 'CELERIAC_E_CONNECTION');
});

it('keeps the messages around one for an exchange that does not exist', async () => {
  const { transport } = await bench();
  const producer = transport();
  const queue = freshQueue();
  const around = numbered('around', 50);
  await publishAll(producer, queue, ['first']);
  const nowhere = expectCode(
    producer.publish({ message: taskMessage('x'), exchange: 'no-such-exchange', routingKey: 'q' }),
    'CELERIAC_E_UNROUTABLE',
  );
  await Promise.all([publishAll(producer, queue, around), nowhere]);
  const seen = new Set<string>();
  await consume(
    producer,
    createInbox((delivery) => seen.add(idOf(delivery))),
    [queue],
    { credit: 500 },
  );
  await until(() => seen.size === 51, { what: '51 different messages' });
});

it('refuses all messages for an exchange that does not exist at once, however many wait behind the window', async () => {
  const { transport } = await bench();
  const producer = transport({ transportOptions: { publishWindow: 10 } });
  const queue = freshQueue();
  await producer.queues.declare(queue);
  const outcomes = await Promise.allSettled(
    numbered('between', 400).map((id, index) =>
      producer.publish({ message: taskMessage(id), exchange: index % 2 === 0 ? 'nowhere' : '', routingKey: queue.name }),
    ),
  );
  const told = outcomes.map((outcome) => (outcome.status === 'fulfilled' ? 'taken' : outcome.reason.code));
  expect(told).toEqual(outcomes.map((_, index) => (index % 2 === 0 ? 'CELERIAC_E_UNROUTABLE' : 'taken')));
});

it('refuses each unroutable message and takes those between', async () => {
  const { transport } = await bench();
  const producer = transport();
  const queue = freshQueue();
  await producer.queues.declare(queue);
  const { name } = freshQueue('nowhere');
  const outcomes = await Promise.allSettled(
    numbered('mixed', 200).map((id, index) =>
      producer.publish({ message: taskMessage(id), exchange: '', routingKey: index % 3 === 0 ? name : queue.name }),
    ),
  );
  expect(outcomes.map(({ status }) => status)).toEqual(outcomes.map((_, index) => (index % 3 === 0 ? 'rejected' : 'fulfilled')));
  await expectDepth(producer, queue, 133);
});

it('declares the queue before the first message, also for many at once on a connection that is up', async () => {
  const { transport } = await bench();
  const producer = transport();
  await publishAll(producer, freshQueue(), ['up']);
  const queue = freshQueue();
  await publishAll(producer, queue, numbered('declared', 100));
  await expectDepth(producer, queue, 100);
});

it('sends to a queue that its owner declared otherwise, and tells whoever declares or consumes it so', async () => {
  const { transport } = await bench();
  const producer = transport();
  const queue = freshQueue();
  await producer.queues.declare({ ...queue, arguments: { 'x-queue-type': 'quorum' } });
  const second = transport();
  await publishAll(second, queue, numbered('otherwise', 20));
  await expectDepth(second, queue, 20);
  await expectCode(second.queues.declare(queue), 'CELERIAC_E_BROKER');
  await expectCode(consume(second, createInbox(), [queue]), 'CELERIAC_E_BROKER');
  await publishAll(second, queue, ['still-works']);
});

it('waits while the broker is short of memory, and acknowledges all the same', async () => {
  const { transport, rabbitmq } = await bench();
  const worker = transport({ publishTimeoutMs: 90_000 });
  const queue = freshQueue();
  const inbox = createInbox();
  await publishAll(worker, queue, ['one', 'two']);
  await consume(worker, inbox, [queue], { credit: 1 });
  const [one] = await inbox.atLeast(1);
  await rabbitmq.rabbitmqctl('set_vm_memory_high_watermark', '0.000001');
  let published = 0;
  const publishing = numbered('blocked', 20).map(async (id) => {
    await publishAll(worker, queue, [id]);
    published++;
  });
  await one?.ack();
  await inbox.atLeast(2);
  expect(published).toBe(0);
  await rabbitmq.rabbitmqctl('set_vm_memory_high_watermark', '0.4');
  await Promise.all(publishing);
  await inbox.deliveries[1]?.ack();
});

it('comes back after a restart of the broker with every durable message', { timeout: 300_000 }, async () => {
  const { transport, rabbitmq } = await bench();
  const worker = transport({ publishTimeoutMs: 240_000 });
  const queue = freshQueue();
  const inbox = createInbox((delivery) => void delivery.ack().catch(() => {}));
  await consume(worker, inbox, [queue]);
  await publishAll(worker, queue, ['before']);
  await inbox.atLeast(1);
  const restarted = (rabbitmq as Awaited<ReturnType<typeof startOwnRabbitmq>>).restart();
  const during = publishAll(worker, queue, numbered('during', 10));
  await restarted;
  await during;
  const seen = new Set<string>();
  await until(() => inbox.deliveries.every((delivery) => seen.add(idOf(delivery))) && seen.size >= 11, {
    timeoutMs: 60_000,
    what: 'all messages',
  });
});
