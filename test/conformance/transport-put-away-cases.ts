import { expect, it } from 'vitest';
import { until } from '../until.ts';
import {
  consume,
  createInbox,
  expectDepth,
  freshQueue,
  idOf,
  ids,
  numbered,
  publishAll,
  type TransportRig,
  taskMessage,
} from './transport-rig.ts';

const REASON = { code: 'CELERIAC_E_BODY', reason: 'the body is not a list' } as const;

export function putAwayCases(rig: () => TransportRig): void {
  it('hands a parked message out when it is due, not before', async () => {
    const transport = rig().create();
    const queue = freshQueue();
    const inbox = createInbox();
    await consume(transport, inbox, [queue], { credit: 1 });
    const message = taskMessage('later', { headers: { ...taskMessage('later').headers, eta: '2030-01-01T00:00:00+00:00' } });
    await transport.publish({ message, exchange: '', routingKey: queue.name, queue });
    const dueAtMs = Date.now() + 5_000;
    await (await inbox.atLeast(1))[0]?.park(dueAtMs);
    // its place in the credit is free again, and it is not in the queue
    await publishAll(transport, queue, ['meanwhile']);
    await (await inbox.atLeast(2))[1]?.ack();
    await expectDepth(transport, queue, 0);
    const nextDueMs = await transport.queues.nextDueMs();
    if (nextDueMs !== undefined) expect(Math.abs((nextDueMs ?? 0) - dueAtMs)).toBeLessThan(1_000);
    const again = (await inbox.atLeast(3))[2];
    const late = Date.now() - dueAtMs;
    expect(idOf(again)).toBe('later');
    expect(late).toBeGreaterThanOrEqual(-rig().traits.parkEarlyMs);
    expect(late).toBeLessThan(15_000);
    if (again?.content.kind === 'message') expect(again.content.message.headers.eta).toBe('2030-01-01T00:00:00+00:00');
    await again?.ack();
  });

  it('parks the same message again and again', async () => {
    const transport = rig().create();
    const queue = freshQueue();
    const inbox = createInbox();
    await consume(transport, inbox, [queue], { credit: 1 });
    await publishAll(transport, queue, ['often']);
    for (const round of [0, 1]) await (await inbox.atLeast(round + 1))[round]?.park(Date.now() + 1_000);
    const last = (await inbox.atLeast(3))[2];
    expect(idOf(last)).toBe('often');
    if (last?.content.kind === 'message') expect(last.content.message.body).toEqual(taskMessage('often').body);
    await last?.ack();
  });

  it('hands out at once what is parked until a time that has passed', async () => {
    const transport = rig().create();
    const queue = freshQueue();
    const inbox = createInbox();
    await consume(transport, inbox, [queue], { credit: 1 });
    await publishAll(transport, queue, ['past']);
    await (await inbox.atLeast(1))[0]?.park(Date.now() - 60_000);
    expect(ids(await inbox.atLeast(2))).toEqual(['past', 'past']);
  });

  it('puts away what cannot run, with its reason', async () => {
    const transport = rig().create();
    const queue = freshQueue();
    const inbox = createInbox();
    await consume(transport, inbox, [queue], { credit: 2 });
    const beforeMs = Date.now();
    await publishAll(transport, queue, ['bad', 'good']);
    const [bad, good] = await inbox.atLeast(2);
    await bad?.quarantine(REASON);
    await good?.ack();
    const [entry, ...others] = await transport.quarantine.list(queue.name, 10);
    expect(others).toEqual([]);
    expect(entry).toMatchObject({ ...REASON, queue: queue.name, taskId: 'bad', taskName: 'tasks.add' });
    expect(entry?.sizeBytes).toBe(bad?.sizeBytes);
    expect(entry?.quarantinedAtMs).toBeGreaterThanOrEqual(beforeMs - 1_000);
    expect(entry?.quarantinedAtMs).toBeLessThanOrEqual(Date.now() + 1_000);
    await expectDepth(transport, queue, 0);
    const shown = await transport.quarantine.show(queue.name, entry?.key ?? '');
    expect(shown?.entry).toEqual(entry);
    expect(Buffer.from(shown?.original ?? []).includes('tasks.add')).toBe(true);
    expect(await transport.quarantine.show(queue.name, 'no-such-key')).toBeUndefined();
  });

  it('retries and drops by key, and keeps the order of the rest', async () => {
    const transport = rig().create();
    const queue = freshQueue();
    const inbox = createInbox();
    await consume(transport, inbox, [queue], { credit: 20 });
    await publishAll(transport, queue, numbered('away', 5));
    for (const delivery of await inbox.atLeast(5)) await delivery.quarantine(REASON);
    const listed = await transport.quarantine.list(queue.name, 100);
    expect(listed.map((entry) => entry.taskId)).toEqual(numbered('away', 5));
    expect(new Set(listed.map((entry) => entry.key)).size).toBe(5);
    expect((await transport.quarantine.list(queue.name, 2)).map((entry) => entry.taskId)).toEqual(numbered('away', 2));
    expect(await transport.quarantine.drop(queue.name, listed[1]?.key ?? '')).toBe(true);
    expect(await transport.quarantine.drop(queue.name, listed[1]?.key ?? '')).toBe(false);
    expect(await transport.quarantine.retry(queue.name, listed[3]?.key ?? '')).toBe(true);
    expect(await transport.quarantine.retry(queue.name, listed[3]?.key ?? '')).toBe(false);
    const retried = (await inbox.atLeast(6))[5];
    expect(idOf(retried)).toBe('away-3');
    expect(retried?.losses).toBe(0);
    if (retried?.content.kind === 'message') expect(retried.content.message).toMatchObject(taskMessage('away-3'));
    await retried?.ack();
    const rest = await transport.quarantine.list(queue.name, 100);
    expect(rest.map((entry) => entry.taskId)).toEqual(['away-0', 'away-2', 'away-4']);
  });

  it('counts what lies in the quarantine of many queues', async () => {
    const transport = rig().create();
    const [one, two, three] = [freshQueue(), freshQueue(), freshQueue()];
    const inbox = createInbox();
    await consume(transport, inbox, [one, two], { credit: 20 });
    await publishAll(transport, one, numbered('one', 3));
    await publishAll(transport, two, numbered('two', 2));
    for (const delivery of await inbox.atLeast(5)) await delivery.quarantine(REASON);
    const names = [one, two, three].map(({ name }) => name);
    expect(Object.fromEntries(await transport.quarantine.lengths(names))).toEqual(
      Object.fromEntries(names.map((name, index) => [name, [3, 2, 0][index]])),
    );
    const [entry] = await transport.quarantine.list(one.name, 1);
    await transport.quarantine.drop(one.name, entry?.key ?? '');
    await until(async () => (await transport.quarantine.lengths(names)).get(one.name) === 2, { what: 'one less' });
    expect(await transport.quarantine.lengths([])).toEqual(new Map());
  });

  it('begins a retried message with a clean loss count', async () => {
    const transport = rig().create();
    const queue = freshQueue();
    const inbox = createInbox();
    await consume(transport, inbox, [queue], { credit: 1 });
    await publishAll(transport, queue, ['poison']);
    await (await inbox.atLeast(1))[0]?.requeue({ lost: true });
    await (await inbox.atLeast(2))[1]?.quarantine({ code: 'CELERIAC_E_WORKER_LOST', reason: 'lost too often' });
    const [entry] = await transport.quarantine.list(queue.name, 1);
    expect(entry?.code).toBe('CELERIAC_E_WORKER_LOST');
    await transport.quarantine.retry(queue.name, entry?.key ?? '');
    expect((await inbox.atLeast(3))[2]?.losses).toBe(0);
  });

  it('has an empty quarantine where nothing was put away', async () => {
    const transport = rig().create();
    expect(await transport.quarantine.list(freshQueue().name, 10)).toEqual([]);
    expect(await transport.quarantine.retry(freshQueue().name, 'key')).toBe(false);
    expect(await transport.quarantine.drop(freshQueue().name, 'key')).toBe(false);
  });

  it('hands over what is no message with the reason, and can put it away', async () => {
    const transport = rig().create({ transportOptions: { messageBytes: 65_536 } });
    const queue = freshQueue();
    const inbox = createInbox();
    const consumer = await consume(transport, inbox, [queue], { credit: 5 });
    const code = await rig().putUnreadable(queue);
    await publishAll(transport, queue, ['after']);
    const [unreadable, after] = await inbox.atLeast(2);
    if (unreadable?.content.kind !== 'unreadable') throw new Error('it was read');
    expect(unreadable.content.refusal.code).toBe(code);
    expect(unreadable.content.refusal.reason).not.toBe('');
    await unreadable.quarantine({ code, reason: unreadable.content.refusal.reason });
    await after?.ack();
    const [entry] = await transport.quarantine.list(queue.name, 10);
    expect(entry?.code).toBe(code);
    expect((await transport.quarantine.show(queue.name, entry?.key ?? ''))?.original.length).toBeGreaterThan(0);
    expect(consumer.queues.map(({ name }) => name)).toEqual([queue.name]);
    expect(inbox.deliveries.length).toBe(2);
  });
}
