import type { QueueDeclaration } from '@celeriac/brokers';
import { expect, it } from 'vitest';
import { startOwnRabbitmq } from '../brokers/rabbitmq.ts';
import { consume, createInbox, expectDepth, freshQueue, idOf, publishAll, roundTrip } from '../conformance/transport-rig.ts';
import { letTimePass, until } from '../until.ts';
import { type AmqpBench, amqpBenches } from './amqp-rig.ts';

const BROKER_TIMEOUT_MS = 12_000;
/** Far below the broker's, so that a slow machine has converted in time, too. */
const settings = { consumerTimeoutMs: 5_000, heldLeaseMs: 6_000 };
const bench = amqpBenches(async () => {
  const rabbitmq = await startOwnRabbitmq();
  await rabbitmq.rabbitmqctl('eval', `application:set_env(rabbit, consumer_timeout, ${BROKER_TIMEOUT_MS}).`);
  await rabbitmq.rabbitmqctl('eval', 'application:set_env(rabbit, channel_tick_interval, 1000).');
  return rabbitmq;
});

const leases = async ({ rabbitmq, vhost }: AmqpBench): Promise<number> =>
  (await rabbitmq.queues(vhost)).filter(({ name }) => name.startsWith('celeriac.held.')).length;

/** Waits until so many deliveries of the queue have become leases: the broker counts none of them as held any more. */
async function converted(on: AmqpBench, queue: QueueDeclaration, count: number): Promise<void> {
  const held = async (): Promise<number | undefined> =>
    (await on.rabbitmq.queues(on.vhost)).find(({ name }) => name === queue.name)?.unacked;
  const done = async (): Promise<boolean> => (await leases(on)) === count && (await held()) === 0;
  await until(done, { timeoutMs: 60_000, everyMs: 100, what: `${count} leases` });
}

const hold = (forMs: number): Promise<void> => letTimePass(forMs, 'a delivery held for long is what these tests are about');

it('holds a delivery for longer than consumer_timeout, once, without losing its channel', async () => {
  const on = await bench();
  const { transport } = on;
  const worker = transport({ transportOptions: settings });
  const other = transport({ transportOptions: settings });
  const queue = freshQueue();
  const inbox = createInbox();
  const elsewhere = createInbox();
  await publishAll(worker, queue, ['long']);
  await consume(worker, inbox, [queue], { credit: 1 });
  const [long] = await inbox.atLeast(1);
  await consume(other, elsewhere, [queue], { credit: 1 });
  await hold(2.2 * BROKER_TIMEOUT_MS);
  expect(long?.lost.aborted).toBe(false);
  expect(inbox.deliveries.length).toBe(1);
  expect(elsewhere.deliveries.length).toBe(0);
  expect(inbox.events.filter(({ kind }) => kind !== 'connected')).toEqual([]);
  expect(await leases(on)).toBe(1);
  await long?.ack();
  expect(await leases(on)).toBe(0);
  await expectDepth(worker, queue, 0);
  await roundTrip(worker);
  expect(inbox.deliveries.length + elsewhere.deliveries.length).toBe(1);
  await publishAll(worker, queue, ['next']);
  await until(() => inbox.deliveries.length + elsewhere.deliveries.length === 2, { what: 'the next message' });
});

it('gives a message held as a lease back when its holder dies, and counts the loss', async () => {
  const on = await bench();
  const { transport, proxy } = on;
  const worker = transport({ transportOptions: settings });
  const queue = freshQueue();
  const inbox = createInbox();
  await publishAll(worker, queue, ['orphan']);
  await consume(worker, inbox, [queue], { credit: 1 });
  const [orphan] = await inbox.atLeast(1);
  const lost = new Promise((resolve) => orphan?.lost.addEventListener('abort', resolve, { once: true }));
  await converted(on, queue, 1);
  expect(orphan?.lost.aborted).toBe(false);
  proxy.refuse();
  proxy.cut();
  // the connection is gone for longer than the lease: the claim is given up here before it can begin elsewhere
  await lost;
  proxy.accept();
  const again = (await inbox.atLeast(2))[1];
  expect(idOf(again)).toBe('orphan');
  expect(again?.losses).toBe(1);
  expect(again?.redelivered).toBe(true);
  await again?.ack();
});

it('keeps a lease over a short break of the connection', async () => {
  const on = await bench();
  const { transport, proxy } = on;
  const worker = transport({ transportOptions: { ...settings, heldLeaseMs: 10_000 } });
  const queue = freshQueue();
  const inbox = createInbox();
  await publishAll(worker, queue, ['kept']);
  await consume(worker, inbox, [queue], { credit: 1 });
  const [kept] = await inbox.atLeast(1);
  await converted(on, queue, 1);
  proxy.cut();
  await inbox.event('disconnected');
  await inbox.event('connected');
  await hold(6_000);
  expect(kept?.lost.aborted).toBe(false);
  await kept?.ack();
  await roundTrip(worker);
  expect(inbox.deliveries.length).toBe(1);
});

it('requeues, parks and quarantines what is held as a lease', async () => {
  const on = await bench();
  const { transport } = on;
  const worker = transport({ transportOptions: settings });
  const queue = freshQueue();
  const inbox = createInbox();
  await publishAll(worker, queue, ['requeued', 'parked', 'away']);
  await consume(worker, inbox, [queue], { credit: 3 });
  const [requeued, parked, away] = await inbox.atLeast(3);
  await converted(on, queue, 3);
  await requeued?.requeue({ lost: true });
  const again = (await inbox.atLeast(4))[3];
  expect([idOf(again), again?.losses]).toEqual(['requeued', 1]);
  await parked?.park(Date.now() + 1_500);
  expect(idOf((await inbox.atLeast(5))[4])).toBe('parked');
  await away?.quarantine({ code: 'CELERIAC_E_BODY', reason: 'of no use' });
  expect((await worker.quarantine.list(queue.name, 10)).map(({ taskId }) => taskId)).toEqual(['away']);
});

it('recovers the channel alone when the broker closes it for a delivery held too long', async () => {
  const { transport } = await bench();
  // told a longer limit than the broker has, so that nothing is converted
  const worker = transport({ transportOptions: { consumerTimeoutMs: 600_000 } });
  const [slow, other] = [freshQueue('slow'), freshQueue('other')];
  const inbox = createInbox((delivery) => {
    if (delivery.queue === other.name) void delivery.ack();
  });
  await publishAll(worker, slow, ['slow']);
  await consume(worker, inbox, [slow, other], { credit: 4 });
  const [first] = await inbox.atLeast(1);
  await inbox.event('problem');
  expect(first?.lost.aborted).toBe(true);
  expect(inbox.events.some(({ kind }) => kind === 'disconnected')).toBe(false);
  const again = (await inbox.atLeast(2))[1];
  expect([idOf(again), again?.redelivered]).toEqual(['slow', true]);
  await again?.ack();
  await publishAll(worker, other, ['works']);
  expect(idOf((await inbox.atLeast(3))[2])).toBe('works');
});
