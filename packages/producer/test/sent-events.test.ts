import { hostname } from 'node:os';
import { type Bus, createTransport, type Logger, type Transport } from '@celeriac/brokers';
import { type CeleryEvent, contract, decodeEvents, type Message } from '@celeriac/protocol';
import { afterEach, describe, expect, test } from 'vitest';
import { staysPending, until } from '../../../test/until.ts';
import { Celery, type CeleryOptions } from '../src/index.ts';
import { createSentEvents } from '../src/sent-events.ts';

const closers: (() => Promise<void>)[] = [];
let brokers = 0;
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

interface Rig {
  readonly app: Celery;
  readonly events: CeleryEvent[];
  /** Messages of the exchange `celeryev`. */
  readonly messages: { readonly routingKey: string; readonly message: Message }[];
}

async function rig(options: Partial<CeleryOptions>): Promise<Rig> {
  brokers += 1;
  const url = `memory://sent-events-${brokers}`;
  const listener: Transport = await createTransport({ url });
  const events: CeleryEvent[] = [];
  const messages: Rig['messages'] = [];
  await listener.bus.subscribe({ exchange: 'celeryev', type: 'topic', binding: '#', queue: 'test' }, (heard) => {
    messages.push(heard);
    events.push(...decodeEvents(heard.message));
  });
  const app = new Celery({ broker: url, ...options });
  closers.push(
    () => app.close(),
    () => listener.close(),
  );
  return { app, events, messages };
}

const add = contract<(x: number, y: number) => number>('tasks.add', { params: ['x', 'y'] });

describe('taskSendSentEvent', () => {
  test('off, as by default, nothing is told', async () => {
    const { app, messages } = await rig({});
    await app.task(add).delay(2, 3);
    await app.close();
    expect(messages).toEqual([]);
  });

  test('tells what was sent and where to, with the fields of Celery', async () => {
    const { app, events } = await rig({ taskSendSentEvent: true });
    const eta = new Date('2030-01-02T03:04:05.678Z');
    const before = Date.now() / 1000;
    const expires = new Date(eta.getTime() + 1000);
    const { id } = await app.sendTask('tasks.add', { args: [2], kwargs: { y: 3 }, queue: 'maths', eta, expires });
    await until(() => events.length === 1);
    expect(events[0]).toEqual({
      type: 'task-sent',
      uuid: id,
      root_id: id,
      parent_id: null,
      name: 'tasks.add',
      args: '(2,)',
      kwargs: "{'y': 3}",
      retries: 0,
      eta: '2030-01-02T03:04:05.678000+00:00',
      expires: '2030-01-02T03:04:06.678000+00:00',
      queue: 'maths',
      exchange: '',
      routing_key: 'maths',
      hostname: `gen${process.pid}@${hostname()}`,
      pid: process.pid,
      clock: 1,
      utcoffset: new Date().getTimezoneOffset() / 60,
      timestamp: expect.any(Number) as number,
    });
    expect(events[0]?.timestamp).toBeGreaterThanOrEqual(before);
  });

  test('closing sends what has not been told yet', async () => {
    const { app, events } = await rig({ taskSendSentEvent: true });
    const publishing = app.task(add).delay(1, 1);
    const closing = app.close();
    const { id } = await publishing;
    await closing;
    await until(() => events.length > 0);
    expect(events.map((event) => event.uuid)).toEqual([id]);
  });

  test('publishMany: each once, many in one message', async () => {
    const { app, events, messages } = await rig({ taskSendSentEvent: true });
    const task = app.task(add);
    const { published } = await app.publishMany(Array.from({ length: 5_000 }, (_, n) => task.s(n, 1)));
    await app.close();
    expect(published).toBe(5_000);
    await until(() => events.length >= 5_000);
    expect(new Set(events.map((event) => event.uuid)).size).toBe(5_000);
    expect(events).toHaveLength(5_000);
    expect(messages.length).toBeLessThan(5_000 / 10);
    expect(new Set(messages.map(({ routingKey }) => routingKey))).toEqual(new Set(['task.multi']));
  });

  test('each publish of its own, one after the other, is told without another that follows', async () => {
    const { app, events } = await rig({ taskSendSentEvent: true });
    for (let n = 0; n < 50; n += 1) {
      const { id } = await app.task(add).delay(n, n);
      await until(() => events.some((event) => event.uuid === id));
    }
    expect(events).toHaveLength(50);
  });

  test('what the broker did not take is not told', async () => {
    const { app, messages } = await rig({ taskSendSentEvent: true });
    await expect(app.task(add).applyAsync({ args: [1, 1], exchange: 'nowhere', routingKey: 'x' })).rejects.toThrow('CELERIAC_E_UNROUTABLE');
    await app.close();
    expect(messages).toEqual([]);
  });
});

describe('a bus that takes nothing', () => {
  const publication = {
    message: { headers: { id: 'a' }, properties: {}, contentType: '', contentEncoding: '', body: new Uint8Array() },
    exchange: '',
    routingKey: 'q',
  };
  const rigOf = (broadcast: Bus['broadcast']) => {
    const warnings: string[] = [];
    const note = (_fields: object, text: string): void => void warnings.push(text);
    const logger: Logger = { debug: () => {}, info: () => {}, warn: note, error: note };
    const bus: Bus = {
      broadcast,
      subscribe: () => Promise.reject(new Error('unused')),
      openReplies: () => Promise.reject(new Error('unused')),
      reply: () => Promise.reject(new Error('unused')),
    };
    return { warnings, events: createSentEvents({ bus, nodename: 'gen1@test', logger }) };
  };

  test('is complained of once and left alone', async () => {
    let tries = 0;
    const { warnings, events } = rigOf(async () => {
      tries += 1;
      throw new Error('no');
    });
    events.follow(Promise.resolve(), publication);
    await until(() => warnings.length === 1);
    for (let n = 0; n < 100; n += 1) events.follow(Promise.resolve(), publication);
    await events.close();
    expect(tries).toBe(1);
    expect(warnings).toEqual([expect.stringContaining('task-sent')]);
  });

  test('holds nobody up for more than two seconds', async () => {
    const { events } = rigOf(() => new Promise(() => {}));
    events.follow(Promise.resolve(), publication);
    // Timers of one process end in order, however late they are.
    expect(await staysPending(events.close(), 3_000)).toBe(false);
  });
});
