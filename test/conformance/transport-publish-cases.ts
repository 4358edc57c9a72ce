import type { Delivery } from '@celeriac/brokers';
import { expect, it } from 'vitest';
import {
  consume,
  createInbox,
  expectCode,
  expectDepth,
  freshQueue,
  ids,
  numbered,
  publishAll,
  type TransportRig,
  taskMessage,
} from './transport-rig.ts';

export function publishCases(rig: () => TransportRig): void {
  it('carries a message unchanged', async () => {
    const transport = rig().create();
    const queue = freshQueue();
    const message = taskMessage('unchanged-1', {
      headers: {
        ...taskMessage('unchanged-1').headers,
        text: 'Grüße 🥕',
        negative: -1,
        small: 300,
        large: 1_760_000_000_000,
        fraction: 0.25,
        yes: true,
        nothing: null,
        list: [1, 'two', [3.5], null],
        table: { nested: { deep: [1, 2, 3] } },
      },
      body: Uint8Array.from({ length: 256 }, (_, index) => index),
      contentType: 'application/x-raw',
      contentEncoding: 'binary',
    });
    const inbox = createInbox();
    await consume(transport, inbox, [queue]);
    await transport.publish({ message, exchange: '', routingKey: queue.name, queue });
    const [delivery] = await inbox.atLeast(1);
    const content = delivery?.content;
    if (content?.kind !== 'message') throw new Error('unreadable');
    expect({ ...content.message.headers }).toEqual(message.headers);
    expect(content.message.properties).toMatchObject(message.properties);
    expect([...content.message.body]).toEqual([...message.body]);
    expect(content.message.contentType).toBe('application/x-raw');
    expect(content.message.contentEncoding).toBe('binary');
    expect(content.exchange).toBe('');
    expect(content.routingKey).toBe(queue.name);
    expect(delivery?.queue).toBe(queue.name);
    expect(delivery?.redelivered).toBe(false);
    expect(delivery?.losses).toBe(0);
    expect(delivery?.sizeBytes).toBeGreaterThanOrEqual(256);
    await delivery?.ack();
  });

  it('carries an empty body and a body of several megabytes', async () => {
    const transport = rig().create();
    const queue = freshQueue();
    const inbox = createInbox();
    await consume(transport, inbox, [queue]);
    const large = new Uint8Array(3_000_000).map((_, index) => index % 251);
    const publish = (id: string, body: Uint8Array) =>
      transport.publish({ message: taskMessage(id, { body }), exchange: '', routingKey: queue.name, queue });
    await Promise.all([publish('empty', new Uint8Array()), publish('large', large)]);
    const bodies = (await inbox.atLeast(2)).map((delivery) =>
      delivery.content.kind === 'message' ? Buffer.from(delivery.content.message.body) : undefined,
    );
    expect(bodies[0]?.length).toBe(0);
    expect(bodies[1]?.equals(large)).toBe(true);
  });

  it('reaches a queue through its own exchange', async () => {
    const transport = rig().create();
    const queue = freshQueue();
    await transport.queues.declare(queue);
    await transport.publish({ message: taskMessage('by-exchange'), exchange: queue.name, routingKey: queue.name, queue });
    const inbox = createInbox();
    await consume(transport, inbox, [queue]);
    expect(ids(await inbox.atLeast(1))).toEqual(['by-exchange']);
  });

  it('hands out in the order of publishing', async () => {
    const transport = rig().create();
    const queue = freshQueue();
    const names = numbered('fifo', 300);
    await publishAll(transport, queue, names);
    const inbox = createInbox((delivery) => void delivery.ack());
    await consume(transport, inbox, [queue]);
    expect(ids(await inbox.atLeast(300))).toEqual(names);
  });

  it('takes 5,000 messages in one go and hands each out once', async () => {
    const transport = rig().create();
    const queue = freshQueue();
    const names = numbered('many', 5_000);
    const settled: Promise<void>[] = [];
    const inbox = createInbox((delivery: Delivery) => settled.push(delivery.ack()));
    await consume(transport, inbox, [queue], { credit: 200 });
    await publishAll(transport, queue, names);
    expect(ids(await inbox.atLeast(5_000))).toEqual(names);
    await Promise.all(settled);
    await expectDepth(transport, queue, 0);
  });

  it('publishes for other transports on the same broker', async () => {
    const [from, to] = [rig().create(), rig().create()];
    const queue = freshQueue();
    const inbox = createInbox();
    await consume(to, inbox, [queue]);
    await publishAll(from, queue, ['across']);
    expect(ids(await inbox.atLeast(1))).toEqual(['across']);
  });

  it('refuses what no queue takes', async () => {
    if (!rig().traits.refusesUnroutable) return;
    const transport = rig().create();
    const { name } = freshQueue('nowhere');
    await expectCode(transport.publish({ message: taskMessage('lost'), exchange: '', routingKey: name }), 'CELERIAC_E_UNROUTABLE');
    const queue = freshQueue();
    await publishAll(transport, queue, ['still-works']);
    await expectDepth(transport, queue, 1);
  });

  it('goes on publishing after a broken connection', async () => {
    const transport = rig().create();
    const queue = freshQueue();
    await publishAll(transport, queue, ['before']);
    await rig().breakConnections();
    await publishAll(transport, queue, ['after']);
    const inbox = createInbox();
    await consume(transport, inbox, [queue]);
    expect(ids(await inbox.atLeast(2))).toEqual(['before', 'after']);
  });

  it('refuses every operation after close', async () => {
    const transport = rig().create();
    const queue = freshQueue();
    await publishAll(transport, queue, ['only']);
    await transport.close();
    const message = taskMessage('late');
    await expectCode(transport.publish({ message, exchange: '', routingKey: queue.name, queue }), 'CELERIAC_E_CLOSED');
    await expectCode(consume(transport, createInbox(), [queue]), 'CELERIAC_E_CLOSED');
    await expectCode(transport.queues.declare(queue), 'CELERIAC_E_CLOSED');
    await expectCode(transport.queues.depth(queue.name), 'CELERIAC_E_CLOSED');
    await expectCode(transport.queues.purge(queue.name), 'CELERIAC_E_CLOSED');
    await expectCode(transport.quarantine.list(queue.name, 1), 'CELERIAC_E_CLOSED');
    await expectCode(transport.bus.broadcast('celeryev', 'worker.online', message), 'CELERIAC_E_CLOSED');
    await transport.close();
  });

  it('closes before the first use', async () => {
    const transport = rig().create();
    await transport.close();
    await expectCode(transport.queues.depth('any'), 'CELERIAC_E_CLOSED');
  });
}
