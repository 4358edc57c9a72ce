import type { BusMessage, Transport } from '@celeriac/brokers';
import { expect, it } from 'vitest';
import { until } from '../until.ts';
import { freshQueue, type TransportRig, taskMessage } from './transport-rig.ts';

interface Listener {
  readonly got: BusMessage[];
  readonly onMessage: (message: BusMessage) => void;
  atLeast(count: number): Promise<void>;
}

function createListener(): Listener {
  const got: BusMessage[] = [];
  let wake = (): void => {};
  return {
    got,
    onMessage(message) {
      got.push(message);
      wake();
    },
    atLeast: (count) =>
      new Promise((resolve) => {
        wake = () => {
          if (got.length >= count) resolve();
        };
        wake();
      }),
  };
}

const event = (type: string) =>
  taskMessage(type, { headers: { hostname: 'celery@host' }, properties: { deliveryMode: 1 }, body: Buffer.from(JSON.stringify({ type })) });

const texts = (listener: Listener): string[] => listener.got.map(({ message }) => JSON.parse(Buffer.from(message.body).toString()).type);

const mailbox = (transport: Transport, node: string, listener: Listener) =>
  transport.bus.subscribe({ exchange: 'celery.pidbox', type: 'fanout', binding: '', queue: `${node}.celery.pidbox` }, listener.onMessage);

export function busCases(rig: () => TransportRig): void {
  it('broadcasts to every subscriber', async () => {
    const [one, two, sender] = [rig().create(), rig().create(), rig().create()];
    const [first, second] = [createListener(), createListener()];
    await mailbox(one, freshQueue('node').name, first);
    await mailbox(two, freshQueue('node').name, second);
    await sender.bus.broadcast('celery.pidbox', '', event('ping'));
    await first.atLeast(1);
    await second.atLeast(1);
    expect(texts(first)).toEqual(['ping']);
    expect(first.got[0]?.message.contentType).toBe('application/json');
    expect({ ...first.got[0]?.message.headers }).toEqual({ hostname: 'celery@host' });
    expect(texts(second)).toEqual(['ping']);
  });

  it('keeps the order of what one sender broadcasts', async () => {
    const transport = rig().create();
    const listener = createListener();
    await mailbox(transport, freshQueue('node').name, listener);
    const types = Array.from({ length: 100 }, (_, index) => `command-${index}`);
    await Promise.all(types.map((type) => transport.bus.broadcast('celery.pidbox', '', event(type))));
    await listener.atLeast(100);
    expect(texts(listener)).toEqual(types);
  });

  it('sends events by topic', async () => {
    const transport = rig().create();
    const [all, workers] = [createListener(), createListener()];
    const subscribe = (binding: string, listener: Listener) =>
      transport.bus.subscribe({ exchange: 'celeryev', type: 'topic', binding, queue: freshQueue('celeryev').name }, listener.onMessage);
    await subscribe('#', all);
    await subscribe('worker.#', workers);
    for (const type of ['task-sent', 'worker-online', 'worker-heartbeat']) {
      await transport.bus.broadcast('celeryev', type.replaceAll('-', '.'), event(type));
    }
    await all.atLeast(3);
    await workers.atLeast(2);
    expect(texts(all)).toEqual(['task-sent', 'worker-online', 'worker-heartbeat']);
    expect(all.got.map(({ routingKey }) => routingKey)).toEqual(['task.sent', 'worker.online', 'worker.heartbeat']);
    expect(texts(workers)).toEqual(['worker-online', 'worker-heartbeat']);
  });

  it('answers whoever asked', async () => {
    const [asker, answerer] = [rig().create(), rig().create()];
    const [mine, others] = [createListener(), createListener()];
    const [key, otherKey] = [freshQueue('oid').name, freshQueue('oid').name];
    await asker.bus.openReplies(key, mine.onMessage);
    await asker.bus.openReplies(otherKey, others.onMessage);
    await answerer.bus.reply('reply.celery.pidbox', key, event('pong'));
    await mine.atLeast(1);
    expect(texts(mine)).toEqual(['pong']);
    expect(others.got).toEqual([]);
  });

  it('loses an answer that nobody waits for without complaint', async () => {
    await rig().create().bus.reply('reply.celery.pidbox', freshQueue('gone').name, event('pong'));
    await rig().create().bus.broadcast('celeryev', 'worker.online', event('worker-online'));
  });

  it('hears nothing after its subscription has closed', async () => {
    const transport = rig().create();
    const [closed, open] = [createListener(), createListener()];
    const subscription = await mailbox(transport, freshQueue('node').name, closed);
    await mailbox(transport, freshQueue('node').name, open);
    await subscription.close();
    await transport.bus.broadcast('celery.pidbox', '', event('late'));
    await open.atLeast(1);
    expect(closed.got).toEqual([]);
    await subscription.close();
  });

  it('hears again after a broken connection', async () => {
    const transport = rig().create();
    const sender = rig().create();
    const listener = createListener();
    await mailbox(transport, freshQueue('node').name, listener);
    const replies = createListener();
    const key = freshQueue('oid').name;
    await transport.bus.openReplies(key, replies.onMessage);
    await rig().breakConnections();
    await until(
      async () => {
        await sender.bus.broadcast('celery.pidbox', '', event('again')).catch(() => {});
        await sender.bus.reply('reply.celery.pidbox', key, event('again')).catch(() => {});
        return listener.got.length > 0 && replies.got.length > 0;
      },
      { everyMs: 100, what: 'a broadcast and an answer after the break' },
    );
  });
}
