import { expect, it } from 'vitest';
import { consume, createInbox, expectDepth, freshQueue, idOf, ids, numbered, publishAll, type TransportRig } from './transport-rig.ts';

export function settleCases(rig: () => TransportRig): void {
  it('never hands out again what was acknowledged', async () => {
    const first = rig().create();
    const queue = freshQueue();
    const inbox = createInbox();
    await consume(first, inbox, [queue], { credit: 100 });
    await publishAll(first, queue, numbered('acked', 20));
    // settled out of order, so that a prefix, singles and gaps all occur
    const got = await inbox.atLeast(20);
    const order = [...got.slice(0, 5), ...got.slice(10).reverse(), ...got.slice(5, 10)];
    await Promise.all(order.map((delivery) => delivery.ack()));
    await first.close();

    const second = rig().create();
    await publishAll(second, queue, ['fence']);
    const rest = createInbox();
    await consume(second, rest, [queue]);
    expect(ids(await rest.atLeast(1))).toEqual(['fence']);
  });

  it('takes the first settlement only', async () => {
    const transport = rig().create();
    const queue = freshQueue();
    const inbox = createInbox();
    await consume(transport, inbox, [queue], { credit: 2 });
    await publishAll(transport, queue, ['once']);
    const [delivery] = await inbox.atLeast(1);
    await delivery?.ack();
    await delivery?.requeue({ lost: true });
    await delivery?.ack();
    await delivery?.reject();
    await delivery?.park(Date.now() + 1_000);
    await delivery?.quarantine({ code: 'CELERIAC_E_BODY', reason: 'too late' });
    await publishAll(transport, queue, ['fence']);
    expect(ids(await inbox.atLeast(2))).toEqual(['once', 'fence']);
    expect(await transport.quarantine.list(queue.name, 10)).toEqual([]);
  });

  it('gives back to the front of the queue', async () => {
    if (rig().traits.requeuesAnywhere) return;
    const transport = rig().create();
    const queue = freshQueue();
    await publishAll(transport, queue, numbered('order', 3));
    const inbox = createInbox();
    await consume(transport, inbox, [queue], { credit: 1 });
    const [first] = await inbox.atLeast(1);
    expect(idOf(first)).toBe('order-0');
    await first?.requeue({ lost: false });
    const second = (await inbox.atLeast(2))[1];
    expect(idOf(second)).toBe('order-0');
    expect(second?.redelivered).toBe(true);
    expect(second?.losses).toBe(0);
    await second?.ack();
    expect(idOf((await inbox.atLeast(3))[2])).toBe('order-1');
  });

  it('marks what was given back, wherever it comes', async () => {
    const transport = rig().create();
    const queue = freshQueue();
    await publishAll(transport, queue, ['only']);
    const inbox = createInbox();
    await consume(transport, inbox, [queue], { credit: 1 });
    await (await inbox.atLeast(1))[0]?.requeue({ lost: false });
    const again = (await inbox.atLeast(2))[1];
    expect(idOf(again)).toBe('only');
    expect(again?.redelivered).toBe(true);
    expect(again?.losses).toBe(0);
    await again?.ack();
    await expectDepth(transport, queue, 0);
  });

  it('counts a loss that it is told of', async () => {
    const transport = rig().create();
    const queue = freshQueue();
    await publishAll(transport, queue, ['lossy']);
    const inbox = createInbox();
    await consume(transport, inbox, [queue], { credit: 1 });
    for (const losses of [0, 1, 2]) {
      const delivery = (await inbox.atLeast(losses + 1))[losses];
      expect(idOf(delivery)).toBe('lossy');
      expect(delivery?.losses).toBe(losses);
      expect(delivery?.redelivered).toBe(losses > 0);
      await delivery?.markStarted();
      await delivery?.requeue({ lost: true });
    }
  });

  it('does not count a start whose end was orderly', async () => {
    const transport = rig().create();
    const queue = freshQueue();
    await publishAll(transport, queue, ['orderly']);
    const inbox = createInbox();
    await consume(transport, inbox, [queue], { credit: 1, startsAtOnce: () => 1 });
    const [first] = await inbox.atLeast(1);
    await first?.markStarted();
    await first?.markStarted();
    await first?.requeue({ lost: false });
    const second = (await inbox.atLeast(2))[1];
    expect(second?.losses).toBe(0);
    await second?.ack();
  });

  it('drops what is rejected', async () => {
    const transport = rig().create();
    const queue = freshQueue();
    const inbox = createInbox();
    await consume(transport, inbox, [queue], { credit: 1 });
    await publishAll(transport, queue, ['bad', 'good']);
    await (await inbox.atLeast(1))[0]?.reject();
    expect(idOf((await inbox.atLeast(2))[1])).toBe('good');
  });

  it('lets held deliveries be settled after the consumer has closed', async () => {
    const transport = rig().create();
    const queue = freshQueue();
    const inbox = createInbox();
    const consumer = await consume(transport, inbox, [queue], { credit: 2 });
    await publishAll(transport, queue, numbered('held', 4));
    const [done, back] = await inbox.atLeast(2);
    await consumer.close();
    await Promise.all([done?.ack(), back?.requeue({ lost: false })]);
    expect(inbox.deliveries.length).toBe(2);
    await expectDepth(transport, queue, 3);
    const rest = createInbox();
    await consume(transport, rest, [queue]);
    const got = ids(await rest.atLeast(3));
    expect(rig().traits.requeuesAnywhere ? got.toSorted() : got).toEqual(['held-1', 'held-2', 'held-3']);
  });

  it('hands each message to one of several consumers', async () => {
    const [one, two] = [rig().create(), rig().create()];
    const queue = freshQueue();
    const boxes = [createInbox((delivery) => void delivery.ack()), createInbox((delivery) => void delivery.ack())] as const;
    await Promise.all([consume(one, boxes[0], [queue], { credit: 5 }), consume(two, boxes[1], [queue], { credit: 5 })]);
    const names = numbered('shared', 200);
    await publishAll(one, queue, names);
    await expectDepth(one, queue, 0);
    const seen = new Set<string>();
    const total = async (): Promise<number> => {
      for (const box of boxes) for (const delivery of box.deliveries) seen.add(idOf(delivery));
      return boxes[0].deliveries.length + boxes[1].deliveries.length;
    };
    const { until } = await import('../until.ts');
    await until(async () => (await total()) >= 200, { what: '200 deliveries' });
    expect(await total()).toBe(200);
    expect(seen.size).toBe(200);
  });
}
