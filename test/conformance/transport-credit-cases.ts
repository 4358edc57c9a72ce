import { expect, it } from 'vitest';
import { until } from '../until.ts';
import {
  consume,
  createInbox,
  expectCode,
  expectDepth,
  freshQueue,
  ids,
  numbered,
  publishAll,
  roundTrip,
  type TransportRig,
} from './transport-rig.ts';

export function creditCases(rig: () => TransportRig): void {
  it('holds no more than its credit', async () => {
    const transport = rig().create();
    const queue = freshQueue();
    await publishAll(transport, queue, numbered('credit', 10));
    const inbox = createInbox();
    await consume(transport, inbox, [queue], { credit: 3 });
    const held = await inbox.atLeast(3);
    await expectDepth(transport, queue, 7);
    await roundTrip(transport);
    expect(held.length).toBe(3);
    await held[0]?.ack();
    await inbox.atLeast(4);
    await expectDepth(transport, queue, 6);
  });

  it('takes nothing with a credit of 0, and begins when it is raised', async () => {
    const transport = rig().create();
    const queue = freshQueue();
    await publishAll(transport, queue, numbered('zero', 5));
    const inbox = createInbox();
    const consumer = await consume(transport, inbox, [queue], { credit: 0 });
    await roundTrip(transport);
    expect(inbox.deliveries.length).toBe(0);
    await expectDepth(transport, queue, 5);
    consumer.setCredit(2);
    await inbox.atLeast(2);
    await expectDepth(transport, queue, 3);
  });

  it('follows a change of credit both ways without losing or doubling', async () => {
    const transport = rig().create();
    const queue = freshQueue();
    const names = numbered('change', 60);
    await publishAll(transport, queue, names);
    const inbox = createInbox();
    const consumer = await consume(transport, inbox, [queue], { credit: 2 });
    await inbox.atLeast(2);
    consumer.setCredit(20);
    await inbox.atLeast(20);
    await expectDepth(transport, queue, 40);
    consumer.setCredit(1);
    await Promise.all(inbox.deliveries.slice(0, 19).map((delivery) => delivery.ack()));
    // 1 is still held, so nothing more may come; what crossed the change is at most what the broker had sent before it knew
    await roundTrip(transport);
    const crossed = inbox.deliveries.length;
    expect(crossed).toBeLessThanOrEqual(39);
    await Promise.all(inbox.deliveries.slice(19).map((delivery) => delivery.ack()));
    consumer.setCredit(100);
    await inbox.atLeast(60);
    await Promise.all(inbox.deliveries.map((delivery) => delivery.ack()));
    expect(ids(inbox.deliveries).toSorted()).toEqual(names.toSorted());
    await expectDepth(transport, queue, 0);
  });

  it('lowers the credit to what is held', async () => {
    const transport = rig().create();
    const queue = freshQueue();
    const inbox = createInbox();
    const consumer = await consume(transport, inbox, [queue], { credit: 10 });
    await publishAll(transport, queue, ['warm-up']);
    await inbox.atLeast(1);
    consumer.setCredit(1);
    // what the broker sends before it knows crosses the change: then a message stays
    await until(
      async () => {
        await publishAll(transport, queue, ['stays']);
        await roundTrip(transport);
        await Promise.all(inbox.deliveries.slice(1).map((delivery) => delivery.ack()));
        return transport.queues.depth(queue.name);
      },
      { what: 'a message that is not taken' },
    );
    await transport.queues.purge(queue.name);
    const taken = inbox.deliveries.length;
    if (rig().traits.creditSlack === 0) expect(taken).toBe(1);
    await publishAll(transport, queue, numbered('waiting', 5));
    await roundTrip(transport);
    await expectDepth(transport, queue, 5);
    expect(inbox.deliveries.length).toBe(taken);
  });

  it('shares one credit between several queues', async () => {
    const transport = rig().create();
    const queues = [freshQueue('a'), freshQueue('b'), freshQueue('c')] as const;
    for (const queue of queues) await publishAll(transport, queue, numbered(queue.name, 20));
    const inbox = createInbox();
    await consume(transport, inbox, queues, { credit: 6 });
    await inbox.atLeast(6);
    await roundTrip(transport);
    expect(inbox.deliveries.length).toBeLessThanOrEqual(6 + rig().traits.creditSlack);
    // no queue starves while another is full
    const served = new Set<string>();
    for (let index = 0; served.size < 3; index++) {
      const delivery = (await inbox.atLeast(index + 1))[index];
      served.add(delivery?.queue ?? '');
      await delivery?.ack();
    }
    expect(served.size).toBe(3);
  });

  it('adds and cancels queues while it runs', async () => {
    const transport = rig().create();
    const [first, second] = [freshQueue('first'), freshQueue('second')];
    const inbox = createInbox((delivery) => void delivery.ack());
    const consumer = await consume(transport, inbox, [first]);
    await publishAll(transport, first, ['one']);
    await inbox.atLeast(1);
    await consumer.addQueue(second);
    expect(consumer.queues.map((queue) => queue.name).toSorted()).toEqual([first.name, second.name].toSorted());
    await publishAll(transport, second, ['two']);
    await inbox.atLeast(2);
    await consumer.cancelQueue(first.name);
    expect(consumer.queues.map((queue) => queue.name)).toEqual([second.name]);
    await publishAll(transport, first, ['three']);
    await publishAll(transport, second, ['four']);
    expect(ids(await inbox.atLeast(3))).toEqual(['one', 'two', 'four']);
    await roundTrip(transport);
    await expectDepth(transport, first, 1);
    await consumer.addQueue(first);
    expect(ids(await inbox.atLeast(4))).toEqual(['one', 'two', 'four', 'three']);
    await consumer.cancelQueue('never-consumed');
  });

  it('keeps its queues and credit over a broken connection', async () => {
    const transport = rig().create();
    const queue = freshQueue();
    const inbox = createInbox();
    const consumer = await consume(transport, inbox, [queue], { credit: 4 });
    await rig().breakConnections();
    await publishAll(transport, queue, numbered('after', 8));
    const held = await inbox.atLeast(4);
    await expectDepth(transport, queue, 4);
    expect(held.length).toBe(4);
    consumer.setCredit(8);
    await inbox.atLeast(8);
  });

  it('hands out nothing after close', async () => {
    const transport = rig().create();
    const queue = freshQueue();
    const inbox = createInbox((delivery) => void delivery.ack());
    const consumer = await consume(transport, inbox, [queue]);
    await publishAll(transport, queue, ['before']);
    await inbox.atLeast(1);
    await consumer.close();
    await publishAll(transport, queue, ['after']);
    await roundTrip(transport);
    expect(ids(inbox.deliveries)).toEqual(['before']);
    await expectDepth(transport, queue, 1);
    await expectCode(consumer.addQueue(freshQueue()), 'CELERIAC_E_CLOSED');
    await consumer.close();
  });

  it('asks how many would start at once, once for each claim', async () => {
    const transport = rig().create();
    const queue = freshQueue();
    const inbox = createInbox();
    let asked = 0;
    await consume(transport, inbox, [queue], {
      startsAtOnce: () => {
        asked++;
        return 1;
      },
    });
    await publishAll(transport, queue, ['one']);
    const [delivery] = await inbox.atLeast(1);
    await delivery?.markStarted();
    await delivery?.ack();
    if (rig().traits.losses === 'exact') expect(asked).toBeGreaterThan(0);
  });
}
