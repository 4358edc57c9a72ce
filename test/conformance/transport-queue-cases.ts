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

  it('reads the depths of many queues at once, missing ones as 0', async () => {
    const transport = rig().create();
    const { priorities } = rig().traits;
    const queues = [freshQueue('many'), freshQueue('many'), freshQueue('many', priorities?.arguments)];
    for (const [index, queue] of queues.entries()) {
      const publish = (priority: number) => {
        const id = `${queue.name}-${priority}`;
        const message = taskMessage(id, { properties: { correlationId: id, deliveryMode: 2, ...(index === 2 ? { priority } : {}) } });
        return transport.publish({ message, exchange: '', routingKey: queue.name, queue });
      };
      await Promise.all([0, 3, 5, 9].slice(index).map(publish));
    }
    const missing = numbered(freshQueue('nowhere').name, 21);
    const names = [...queues.map((queue) => queue.name), ...missing];
    const depths = await transport.queues.depths(names);
    expect([...depths.keys()].sort()).toEqual(names.toSorted());
    expect(queues.map((queue) => depths.get(queue.name))).toEqual([4, 3, 2]);
    expect(new Set([...depths.values()].slice(3))).toEqual(new Set([0]));
    expect(await transport.queues.depths([])).toEqual(new Map());
  });

  it('watches many queues, two watchers of one queue included, and no longer than asked', async () => {
    const [watcher, transport] = [rig().create(), rig().create()];
    const queues = Array.from({ length: 40 }, () => freshQueue('many-watched'));
    for (const queue of queues) await transport.queues.declare(queue);
    const grown: string[] = [];
    const subscriptions = await Promise.all(
      queues.map(({ name }, index) => watcher.queues.watchGrowth([name], (which) => grown.push(`${index} ${which}`))),
    );
    const last = queues[39]?.name as string;
    const both = await watcher.queues.watchGrowth([last], (which) => grown.push(`both ${which}`));
    await subscriptions[0]?.close();
    await Promise.all(queues.map((queue) => publishAll(transport, queue, ['one'])));
    const expected = [...queues.map(({ name }, index) => `${index} ${name}`).slice(1), `both ${last}`].sort();
    await until(() => new Set(grown).size >= expected.length, { what: 'every growth' });
    expect([...new Set(grown)].sort()).toEqual(expected);
    await Promise.all([...subscriptions, both].map((subscription) => subscription.close()));
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
