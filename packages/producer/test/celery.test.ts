import { createTransport, type Delivery, type Transport } from '@celeriac/brokers';
import { contract, decodeBody, decodeEnvelope, type Request } from '@celeriac/protocol';
import { afterEach, describe, expect, test } from 'vitest';
import { Celery, type Signature } from '../src/index.ts';

const closers: (() => Promise<void>)[] = [];
let brokers = 0;

afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

interface Rig {
  readonly url: string;
  readonly app: Celery;
  /** Resolves with the next request that reaches the queue. */
  next(): Promise<Request>;
}

async function rig(queue = 'celery'): Promise<Rig> {
  brokers += 1;
  const url = `memory://producer-${brokers}`;
  const transport: Transport = await createTransport({ url });
  const arrived: Request[] = [];
  const waiting: ((request: Request) => void)[] = [];
  const receive = (delivery: Delivery): void => {
    if (delivery.content.kind !== 'message') throw new Error('unreadable');
    const { message, exchange, routingKey } = delivery.content;
    const decoded = decodeEnvelope(message, { exchange, routingKey, priority: null, redelivered: delivery.redelivered });
    if (decoded.kind === 'refused') throw new Error(decoded.refusal.reason);
    void delivery.ack();
    const taker = waiting.shift();
    if (taker === undefined) arrived.push(decoded.request);
    else taker(decoded.request);
  };
  await transport.consume({
    queues: [{ name: queue }],
    owner: 'test',
    credit: 100_000,
    startsAtOnce: () => 0,
    onDeliveries: (batch) => batch.forEach(receive),
    onEvent: () => {},
  });
  const app = new Celery({ broker: url });
  closers.push(
    () => app.close(),
    () => transport.close(),
  );
  const next = (): Promise<Request> => {
    const request = arrived.shift();
    return request === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(request);
  };
  return { url, app, next };
}

const add = contract<(x: number, y: number) => number>('tasks.add', { params: ['x', 'y'] });

describe('Celery', () => {
  test('delay resolves when the broker has the message, which carries name, id and arguments', async () => {
    const { app, next } = await rig();
    const result = await app.task(add).delay(2, 3);
    const request = await next();
    expect(request).toMatchObject({ id: result.id, taskName: 'tasks.add', rootId: result.id, retries: 0 });
    expect(decodeBody(request)).toMatchObject({ kind: 'body', body: { args: [2, 3], kwargs: {} } });
  });

  test('applyAsync passes its options on', async () => {
    const { app, next } = await rig('mail');
    await app.task(add).applyAsync({
      kwargs: { x: 1, y: 2 },
      queue: 'mail',
      taskId: 'fixed',
      expires: 30,
      timeLimit: 9,
      softTimeLimit: 4,
      ignoreResult: true,
      headers: { tenant: 'a' },
    });
    expect(await next()).toMatchObject({
      id: 'fixed',
      timeLimitS: 9,
      softTimeLimitS: 4,
      ignoreResult: true,
      headers: { tenant: 'a' },
      deliveryInfo: { exchange: '', routingKey: 'mail' },
    });
  });

  test('arguments that do not bind are refused before anything is sent', async () => {
    const { app } = await rig();
    const call = app.task(add).applyAsync({ kwargs: { x: 1, z: 2 } });
    await expect(call).rejects.toMatchObject({ code: 'CELERIAC_E_ARGUMENTS' });
  });

  test('a schema is checked, and its output travels', async () => {
    const { app, next } = await rig();
    const kwargs = {
      '~standard': {
        version: 1 as const,
        vendor: 'test',
        validate: (value: unknown) => {
          const { width } = value as { width?: number };
          if (typeof width !== 'number') return { issues: [{ message: 'must be a number', path: ['width'] }] };
          return { value: { width, format: 'webp' } };
        },
      },
    };
    const resize = app.task(contract('media.resize', { kwargs }));
    await expect(resize.applyAsync({ kwargs: {} })).rejects.toThrow(/kwargs\.width: must be a number/);
    await resize.applyAsync({ kwargs: { width: 320 } });
    expect(decodeBody(await next())).toMatchObject({ body: { kwargs: { width: 320, format: 'webp' } } });
  });

  test('asking for a result without a backend is an error that says so', async () => {
    const { app } = await rig();
    const result = await app.sendTask('tasks.add', { args: [1, 2] });
    await expect(result.get()).rejects.toMatchObject({ code: 'CELERIAC_E_NO_BACKEND' });
  });

  test('a result is not thenable', async () => {
    const { app } = await rig();
    const result = await app.task(add).delay(1, 1);
    expect('then' in result).toBe(false);
  });

  test('get gives up after its time, and at its signal', async () => {
    const { url } = await rig();
    const app = new Celery({ broker: url, backend: 'memory://results' });
    closers.push(() => app.close());
    await expect(app.result('nobody').get({ timeoutMs: 5 })).rejects.toMatchObject({ code: 'CELERIAC_E_RESULT_TIMEOUT' });
    await expect(app.result('nobody').get({ timeoutMs: 0 })).rejects.toMatchObject({ code: 'CELERIAC_E_RESULT_TIMEOUT' });
    await expect(app.result('nobody').get({ signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough');
    expect(await app.result('nobody').status()).toBe('PENDING');
  });

  test('after close every call rejects', async () => {
    const { app } = await rig();
    await app.close();
    await expect(app.task(add).delay(1, 2)).rejects.toMatchObject({ code: 'CELERIAC_E_CLOSED' });
  });

  test('publishMany counts a call that cannot be sent, or ends at it, as asked', async () => {
    const { app } = await rig();
    const task = app.task(add);
    async function* calls(): AsyncGenerator<Signature> {
      yield task.s(1, 1);
      yield task.signature({ kwargs: { nonsense: 1 } });
      yield task.s(2, 2);
    }
    const counted = await app.publishMany(calls(), { onError: 'continue' });
    expect(counted).toMatchObject({ published: 2, failed: 1, firstError: { code: 'CELERIAC_E_ARGUMENTS' } });
    await expect(app.publishMany(calls())).rejects.toMatchObject({ code: 'CELERIAC_E_ARGUMENTS' });
  });

  test('a signal stops publishMany', async () => {
    const { app } = await rig();
    const task = app.task(add);
    const controller = new AbortController();
    function* endless(): Generator<Signature> {
      for (let index = 0; ; index += 1) {
        if (index === 100) controller.abort(new Error('stop now'));
        yield task.s(index, 0);
      }
    }
    await expect(app.publishMany(endless(), { signal: controller.signal, maxInFlight: 16 })).rejects.toThrow('stop now');
  });
});
