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
} from './transport-rig.ts';

export function lossCases(rig: () => TransportRig): void {
  it('tells of a lost claim and hands the message out again', async () => {
    if (!rig().traits.breakLosesClaims) return;
    const transport = rig().create();
    const queue = freshQueue();
    const inbox = createInbox();
    await consume(transport, inbox, [queue], { credit: 2 });
    await inbox.event('connected');
    await publishAll(transport, queue, ['claimed', 'settled', 'next']);
    const [claimed, settled] = await inbox.atLeast(2);
    await settled?.ack();
    // it comes in the place of the one that is settled: the broker knows of that
    await inbox.atLeast(3);
    expect(claimed?.lost.aborted).toBe(false);
    const aborted = new Promise((resolve) => claimed?.lost.addEventListener('abort', resolve, { once: true }));
    await rig().breakConnections();
    await inbox.event('disconnected');
    await aborted;
    expect(settled?.lost.aborted).toBe(false);
    if (claimed === undefined) throw new Error('nothing claimed');
    await expectCode(claimed.ack(), 'CELERIAC_E_CONNECTION');
    await inbox.event('connected');
    const again = (await inbox.atLeast(5)).slice(3);
    expect(ids(again).toSorted()).toEqual(['claimed', 'next']);
    expect(again.map((delivery) => delivery.redelivered)).toEqual([true, true]);
    await Promise.all(again.map((delivery) => delivery.ack()));
    await expectDepth(transport, queue, 0);
    expect(inbox.deliveries.length).toBe(5);
  });

  it('sees that a claim is lost also when asked for the signal later', async () => {
    if (!rig().traits.breakLosesClaims) return;
    const transport = rig().create();
    const queue = freshQueue();
    const inbox = createInbox();
    await consume(transport, inbox, [queue], { credit: 1 });
    await publishAll(transport, queue, ['claimed']);
    const [claimed] = await inbox.atLeast(1);
    await rig().breakConnections();
    await inbox.event('disconnected');
    expect(claimed?.lost.aborted).toBe(true);
  });

  it('keeps its claims over a broken connection', async () => {
    if (rig().traits.breakLosesClaims) return;
    const transport = rig().create();
    const queue = freshQueue();
    const inbox = createInbox();
    await consume(transport, inbox, [queue], { credit: 2 });
    await publishAll(transport, queue, ['kept']);
    const [kept] = await inbox.atLeast(1);
    await rig().breakConnections();
    await publishAll(transport, queue, ['fence']);
    await inbox.atLeast(2);
    await kept?.ack();
    expect(kept?.lost.aborted).toBe(false);
    expect(ids(inbox.deliveries)).toEqual(['kept', 'fence']);
  });

  it('returns everything unsettled after a broken connection, nothing settled', async () => {
    if (!rig().traits.breakLosesClaims) return;
    const transport = rig().create();
    const queue = freshQueue();
    const inbox = createInbox();
    await consume(transport, inbox, [queue], { credit: 50 });
    await publishAll(transport, queue, numbered('half', 75));
    const settled = (await inbox.atLeast(50)).slice(0, 50).filter((_, index) => index % 2 === 0);
    await Promise.all(settled.map((delivery) => delivery.ack()));
    // the others come in the places of those that are settled: the broker knows of them
    const held = (await inbox.atLeast(75)).filter((delivery) => !settled.includes(delivery));
    await rig().breakConnections();
    const again = (await inbox.atLeast(125)).slice(75);
    expect(ids(again).toSorted()).toEqual(ids(held).toSorted());
    await Promise.all(again.map((delivery) => delivery.ack()));
    await expectDepth(transport, queue, 0);
    expect(inbox.deliveries.length).toBe(125);
  });

  it('counts the starts that a broken connection ended, and only those', async () => {
    const { losses, breakLosesClaims } = rig().traits;
    if (losses !== 'exact' || !breakLosesClaims) return;
    const transport = rig().create();
    const queue = freshQueue();
    await publishAll(transport, queue, ['at-once', 'marked', 'never']);
    const inbox = createInbox();
    await consume(transport, inbox, [queue], { credit: 3, startsAtOnce: () => 1 });
    const [, marked] = await inbox.atLeast(3);
    await marked?.markStarted();
    await rig().breakConnections();
    const again = (await inbox.atLeast(6)).slice(3);
    const counted = Object.fromEntries(again.map((delivery) => [ids([delivery])[0], delivery.losses]));
    expect(counted).toEqual({ 'at-once': 1, marked: 1, never: 0 });
    expect(again.every((delivery) => delivery.lossesAreComplete)).toBe(true);
  });

  it('never counts fewer losses than there were', async () => {
    if (rig().traits.losses !== 'bounded') return;
    const transport = rig().create();
    const queue = freshQueue();
    await publishAll(transport, queue, ['bounded']);
    const inbox = createInbox();
    await consume(transport, inbox, [queue], { credit: 1 });
    await (await inbox.atLeast(1))[0]?.markStarted();
    await rig().breakConnections();
    const again = (await inbox.atLeast(2))[1];
    expect(again?.lossesAreComplete).toBe(true);
    expect(again?.losses).toBeGreaterThanOrEqual(1);
  });

  it('gives held messages back when the transport closes', async () => {
    if (!rig().traits.breakLosesClaims) return;
    const [first, second] = [rig().create(), rig().create()];
    const queue = freshQueue();
    const inbox = createInbox();
    await consume(first, inbox, [queue], { credit: 3 });
    await publishAll(first, queue, numbered('returned', 3));
    await inbox.atLeast(3);
    await first.close();
    const rest = createInbox();
    await consume(second, rest, [queue]);
    expect(ids(await rest.atLeast(3))).toEqual(numbered('returned', 3));
  });
}
