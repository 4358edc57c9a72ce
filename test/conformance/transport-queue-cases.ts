import { expect, it } from 'vitest';
import { until } from '../until.ts';
import {
  consume,
  createInbox,
  expectDepth,
  freshQueue,
  ids,
  numbered,
  publishAll,
  type TransportRig,
  taskMessage,
} from './transport-rig.ts';

export function queueCases(rig: () => TransportRig): void {
  it('knows no depth of a queue that does not exist', async () => {
    const transport = rig().create();
    expect(await transport.queues.depth(freshQueue().name)).toBe(null);
    const queue = freshQueue();
    await publishAll(transport, queue, ['one', 'two']);
    await expectDepth(transport, queue, 2);
  });

  it('declares a queue twice without complaint', async () => {
    const transport = rig().create();
    const queue = freshQueue();
    await transport.queues.declare(queue);
    await transport.queues.declare(queue);
    await rig().create().queues.declare(queue);
  });

  it('counts ready messages only and purges them', async () => {
    const transport = rig().create();
    const queue = freshQueue();
    await publishAll(transport, queue, numbered('purged', 5));
    const inbox = createInbox();
    await consume(transport, inbox, [queue], { credit: 2 });
    const [held] = await inbox.atLeast(2);
    await expectDepth(transport, queue, 3);
    expect(await transport.queues.purge(queue.name)).toBe(3);
    await expectDepth(transport, queue, 0);
    await held?.ack();
    await publishAll(transport, queue, ['next']);
    expect(ids(await inbox.atLeast(3))[2]).toBe('next');
  });

  it('purges a queue that does not exist as 0', async () => {
    expect(await rig().create().queues.purge(freshQueue().name)).toBe(0);
  });

  it('hands out by priority', async () => {
    const { priorities } = rig().traits;
    if (priorities === null) return;
    const transport = rig().create();
    const queue = freshQueue('priority', priorities.arguments);
    const publish = (id: string, priority: number) =>
      transport.publish({
        message: taskMessage(id, { properties: { correlationId: id, deliveryMode: 2, priority } }),
        exchange: '',
        routingKey: queue.name,
        queue,
      });
    for (const [id, priority] of [
      ['p0', 0],
      ['p9', 9],
      ['p3', 3],
      ['p0b', 0],
    ] as const)
      await publish(id, priority);
    await expectDepth(transport, queue, 4);
    const inbox = createInbox((delivery) => void delivery.ack());
    await consume(transport, inbox, [queue], { credit: 1 });
    const expected = priorities.first === 'highest' ? ['p9', 'p3', 'p0', 'p0b'] : ['p0', 'p0b', 'p3', 'p9'];
    expect(ids(await inbox.atLeast(4))).toEqual(expected);
  });

  it('tells when a queue grows from empty', async () => {
    const [watcher, transport] = [rig().create(), rig().create()];
    const [watched, other] = [freshQueue('watched'), freshQueue('other')];
    await transport.queues.declare(other);
    const grown: string[] = [];
    const subscription = await watcher.queues.watchGrowth([watched.name], (name) => grown.push(name));
    await publishAll(transport, other, ['not watched']);
    await publishAll(transport, watched, ['one']);
    await until(() => grown.length > 0, { what: 'the first growth' });
    expect(new Set(grown)).toEqual(new Set([watched.name]));

    const inbox = createInbox((delivery) => void delivery.ack());
    const consumer = await consume(transport, inbox, [watched]);
    await inbox.atLeast(1);
    await consumer.close();
    await expectDepth(transport, watched, 0);
    // the watcher has to see it empty before it can see it grow: ask until the second growth is told
    const before = grown.length;
    await until(
      async () => {
        if ((await transport.queues.depth(watched.name)) === 0) await publishAll(transport, watched, ['two']);
        else await transport.queues.purge(watched.name);
        return grown.length > before;
      },
      { everyMs: 300, what: 'the second growth' },
    );
    await subscription.close();
  });

  it('names itself', async () => {
    const { traits } = rig().create();
    expect(traits.name).not.toBe('');
    expect(Number.isInteger(traits.port)).toBe(true);
  });
}
