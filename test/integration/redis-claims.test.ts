import type { Delivery } from '@celeriac/brokers';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startProxy } from '../brokers/proxy.ts';
import { type RedisServer, startRedis } from '../brokers/redis.ts';
import {
  consume,
  createInbox,
  expectCode,
  expectDepth,
  freshQueue,
  idOf,
  ids,
  numbered,
  publishAll,
} from '../conformance/transport-rig.ts';
import { OwnClock } from '../own-clock.ts';
import type { SpawnedProcess } from '../spawned-process.ts';
import { letTimePass, until } from '../until.ts';
import { idsAfter, startClaims, transportShelf } from './redis-rig.ts';

describe('claims on Redis', () => {
  let server: RedisServer;
  let admin: Redis;
  const shelf = transportShelf();
  const processes: SpawnedProcess[] = [];
  const claims = (options: Omit<Parameters<typeof startClaims>[0], 'url'>): SpawnedProcess => {
    const started = startClaims({ url: server.url, ...options });
    processes.push(started);
    return started;
  };
  beforeAll(async () => {
    server = await startRedis();
    admin = new Redis(server.url);
  });
  afterEach(async () => {
    await shelf.close();
    await Promise.all(processes.splice(0).map((each) => each.kill()));
  });
  afterAll(async () => {
    admin.disconnect();
    await server.stop();
  });

  it('loses nothing when workers are killed again and again', { timeout: 240_000 }, async () => {
    const queue = freshQueue('killed');
    const transport = shelf.create({ url: server.url });
    const names = numbered('k', 5_000);
    await publishAll(transport, queue, names);
    const done = new Set<string>();
    for (let round = 0; round < 6; round++) {
      const worker = claims({ queue: queue.name, credit: 64, ackAfterMs: 1, ackAtMost: 700, transportOptions: { claimLease: 3 } });
      await worker.line(/^done/);
      await letTimePass(Math.random() * 60, 'the kill must hit any moment of its work');
      worker.signal('SIGKILL');
      await worker.ended;
      for (const id of idsAfter('done', worker)) done.add(id);
    }
    const left = names.length - done.size;
    expect(left, 'the workers were killed before they had finished').toBeGreaterThan(0);
    const inbox = createInbox((delivery) => {
      done.add(idOf(delivery));
      void delivery.ack();
    });
    await consume(transport, inbox, [queue], { credit: 100 });
    await until(() => done.size === names.length, { timeoutMs: 60_000, what: 'all messages' });
    await until(async () => (await admin.hlen('unacked')) === 0, { what: 'an empty unacked' });
    expect(await admin.zcard('unacked_index')).toBe(0);
    expect((await admin.keys('celeriac.claims.*')).length).toBe(0);
  });

  it('puts the claims of dead workers back within 20 s, whatever their clocks say, and counts what was started', {
    timeout: 180_000,
  }, async () => {
    const queue = freshQueue('dead');
    const transport = shelf.create({ url: server.url });
    const names = numbered('d', 1_000);
    await publishAll(transport, queue, names);
    const ahead = claims({ queue: queue.name, credit: 500, startsAtOnce: 3, clockOffsetMs: 600_000 });
    const behind = claims({ queue: queue.name, credit: 500, startsAtOnce: 2, clockOffsetMs: -600_000 });
    await until(() => idsAfter('got', ahead).length + idsAfter('got', behind).length === 1_000, { what: 'all to be claimed' });
    await expectDepth(transport, queue, 0);
    // Each claim of up to 256 asks again how many would start.
    const started = Math.ceil(500 / 256) * 5;
    await Promise.all([ahead.kill(), behind.kill()]);
    using sinceKilled = new OwnClock();
    const inbox = createInbox((delivery) => void delivery.ack());
    await consume(transport, inbox, [queue], { credit: 1_000 });
    const deliveries = await inbox.atLeast(1_000);
    expect(sinceKilled.elapsedMs).toBeLessThan(20_000);
    expect(ids(deliveries).toSorted()).toEqual(names.toSorted());
    expect(deliveries.every((delivery) => delivery.redelivered)).toBe(true);
    const lossy = deliveries.filter((delivery) => delivery.losses === 1).length;
    expect(lossy).toBeGreaterThanOrEqual(5);
    expect(lossy).toBeLessThanOrEqual(started);
    expect(deliveries.every((delivery) => delivery.losses <= 1)).toBe(true);
  });

  it('tells a worker that was frozen too long what it has lost', { timeout: 120_000 }, async () => {
    const queue = freshQueue('frozen');
    const transport = shelf.create({ url: server.url });
    await publishAll(transport, queue, numbered('f', 3));
    const frozen = claims({ queue: queue.name, credit: 3, transportOptions: { claimLease: 3 } });
    await until(() => idsAfter('got', frozen).length === 3, { what: 'three claims' });
    frozen.signal('SIGSTOP');
    const inbox = createInbox();
    await consume(transport, inbox, [queue], { credit: 3 });
    const taken = await inbox.atLeast(3);
    frozen.signal('SIGCONT');
    await until(() => idsAfter('late-ack', frozen).length === 3, { what: 'three late acks' });
    expect(idsAfter('lost', frozen).toSorted()).toEqual(numbered('f', 3));
    expect(frozen.output()).toContain('late-ack f-0 CELERIAC_E_CONNECTION');
    expect(frozen.output()).not.toContain('taken');
    await Promise.all(taken.map((delivery) => delivery.ack()));
    expect(taken.some((delivery) => delivery.lost.aborted)).toBe(false);
    // The thawed worker goes on with a new lease.
    await publishAll(transport, queue, numbered('g', 6));
    await until(() => idsAfter('got', frozen).some((id) => id.startsWith('g-')), { what: 'the thawed worker to go on' });
  });

  it('keeps its claims as long as it lives, however long the visibility timeout of others is over', async () => {
    const queue = freshQueue('kept');
    const transport = shelf.create({ url: server.url, transportOptions: { visibilityTimeout: 3, claimLease: 6 } });
    await publishAll(transport, queue, ['kept']);
    const inbox = createInbox();
    await consume(transport, inbox, [queue], { credit: 1 });
    const [kept] = await inbox.atLeast(1);
    const tag = async (): Promise<number> =>
      Number(await admin.zscore('unacked_index', (await admin.zrange('unacked_index', '0', '0'))[0] ?? ''));
    const first = await tag();
    await until(async () => (await tag()) > first + 2, { what: 'a renewed claim' });
    const other = shelf.create({ url: server.url });
    expect((await other.sweepClaims()).restored).toBe(0);
    await kept?.ack();
    expect(await admin.zcard('unacked_index')).toBe(0);
  });

  it('finds what a claim took when its answer was lost on the way', async () => {
    await using proxy = await startProxy(server.port);
    const queue = freshQueue('unanswered');
    const direct = shelf.create({ url: server.url });
    const transport = shelf.create({ url: proxy.url(server.url), transportOptions: { socketTimeout: 1 } });
    const inbox = createInbox();
    const consumer = await consume(transport, inbox, [queue], { credit: 5 });
    await publishAll(direct, queue, ['warm-up']);
    const [warm] = await inbox.atLeast(1);
    await warm?.ack();
    proxy.delay(300);
    await publishAll(direct, queue, numbered('u', 5));
    await expectDepth(direct, queue, 0);
    proxy.cut();
    proxy.delay(0);
    const deliveries = (await inbox.atLeast(6)).slice(1);
    expect(ids(deliveries).toSorted()).toEqual(numbered('u', 5));
    expect(deliveries.some((delivery) => delivery.redelivered || delivery.lost.aborted)).toBe(false);
    await Promise.all(deliveries.map((delivery) => delivery.ack()));
    expect(await admin.hlen('unacked')).toBe(0);
    await consumer.close();
  });

  it('settles over a connection that hangs, and only once', async () => {
    await using proxy = await startProxy(server.port);
    const queue = freshQueue('hanging');
    const direct = shelf.create({ url: server.url });
    const transport = shelf.create({ url: proxy.url(server.url), transportOptions: { socketTimeout: 0.5 } });
    await publishAll(direct, queue, numbered('h', 4));
    const inbox = createInbox();
    await consume(transport, inbox, [queue], { credit: 4 });
    const [acked, back, parked, bad] = (await inbox.atLeast(4)) as [Delivery, Delivery, Delivery, Delivery];
    proxy.freeze();
    const settled = Promise.all([
      acked.ack(),
      back.requeue({ lost: false }),
      parked.park(Date.now() + 3_600_000),
      bad.quarantine({ code: 'CELERIAC_E_BODY', reason: 'a test' }),
    ]);
    await inbox.event('disconnected');
    proxy.thaw();
    await settled;
    const again = (await inbox.atLeast(5))[4] as Delivery;
    expect(idOf(again)).toBe('h-1');
    await again.ack();
    expect(await admin.zcard('celeriac.due')).toBe(1);
    expect((await direct.quarantine.list(queue.name, 10)).map(({ taskId }) => taskId)).toEqual(['h-3']);
    expect(await admin.hlen('unacked')).toBe(1);
    await admin.del('unacked', 'unacked_index', 'celeriac.due', 'celeriac.due.buckets');
  });

  it('closes while the server does not answer, and leaves its claims to others', async () => {
    await using proxy = await startProxy(server.port);
    const queue = freshQueue('closing');
    const direct = shelf.create({ url: server.url });
    const transport = shelf.create({ url: proxy.url(server.url), publishTimeoutMs: 500, transportOptions: { claimLease: 2 } });
    await publishAll(direct, queue, ['left']);
    const inbox = createInbox();
    await consume(transport, inbox, [queue], { credit: 1 });
    const [left] = (await inbox.atLeast(1)) as [Delivery];
    proxy.freeze();
    await transport.close();
    expect(left.lost.aborted).toBe(true);
    await expectCode(left.ack(), 'CELERIAC_E_CONNECTION');
    const other = createInbox((delivery) => void delivery.ack());
    await consume(direct, other, [queue]);
    expect(ids(await other.atLeast(1))).toEqual(['left']);
  });

  it('loses nothing when the keys of the claims are of a wrong type', async () => {
    const queue = freshQueue('wrong-keys');
    const transport = shelf.create({ url: server.url });
    const inbox = createInbox((delivery) => void delivery.ack());
    for (const key of ['unacked', 'unacked_index']) {
      await admin.set(key, 'neither hash nor sorted set');
      const consumer = await consume(transport, inbox, [queue]);
      await publishAll(transport, queue, [`safe-${key}`]);
      await inbox.event('problem');
      await expectDepth(transport, queue, 1);
      await admin.del(key);
      await until(() => inbox.deliveries.length === (key === 'unacked' ? 1 : 2), { what: 'the message' });
      await consumer.close();
    }
  });

  it('rejects a publication whose answer never comes as uncertain, and one that finds no server as not taken', async () => {
    await using proxy = await startProxy(server.port);
    const queue = freshQueue('uncertain');
    const transport = shelf.create({ url: proxy.url(server.url), publishTimeoutMs: 2_000 });
    await publishAll(transport, queue, ['before']);
    proxy.freeze();
    await expectCode(publishAll(transport, queue, ['stuck']), 'CELERIAC_E_PUBLISH_UNCERTAIN');
    proxy.refuse();
    proxy.cut();
    await expectCode(publishAll(transport, queue, ['nobody']), 'CELERIAC_E_PUBLISH');
    proxy.thaw();
    const accepted = proxy.accepted;
    proxy.accept();
    // the pause before the next attempt to connect may be longer than a publication waits
    await until(() => proxy.accepted > accepted, { what: 'the next connection' });
    await publishAll(transport, queue, ['after']);
  });
});
