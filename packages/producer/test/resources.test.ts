import { createTransport, type Transport } from '@celeriac/brokers';
import { contract } from '@celeriac/protocol';
import { afterEach, describe, expect, test } from 'vitest';
import { until } from '../../../test/until.ts';
import { Celery, type CeleryOptions, type PoolList } from '../src/index.ts';

const POOLS: PoolList = {
  small: { queues: ['small', 'emails'], slotsPerReplica: 2, size: { cpu: 1, memory: '2Gi' } },
  large: { queues: ['large'], slotsPerReplica: 1, size: { cpu: 8, memory: '32Gi' } },
};
const resize = contract<(path: string) => void>('images.resize', { resources: { memory: '512Mi' } });
const train = contract<(path: string) => void>('ml.train', { resources: { cpu: 4, memory: '16Gi' } });
const plain = contract<() => void>('tasks.plain');

const closers: (() => Promise<void>)[] = [];
let brokers = 0;
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

interface Rig {
  readonly app: Celery;
  /** How many messages wait, by queue; queues without any are left out. */
  waiting(): Promise<Readonly<Record<string, number>>>;
  /** Headers and body of what comes by a queue, as it comes. */
  received(queue: string): readonly unknown[];
}

async function rig(options: Partial<CeleryOptions> = { pools: POOLS }): Promise<Rig> {
  brokers += 1;
  const url = `memory://resources-${brokers}`;
  const transport: Transport = await createTransport({ url });
  const app = new Celery({ broker: url, ...options });
  closers.push(
    () => app.close(),
    () => transport.close(),
  );
  return {
    app,
    received(queue) {
      const messages: unknown[] = [];
      void transport.consume({
        queues: [{ name: queue }],
        owner: 'test',
        credit: 10,
        startsAtOnce: () => 0,
        onDeliveries: (deliveries) => {
          for (const { content } of deliveries)
            if (content.kind === 'message') messages.push([content.message.headers, content.message.body]);
        },
        onEvent: () => {},
      });
      return messages;
    },
    async waiting() {
      const queues = ['celery', 'small', 'emails', 'large', 'elsewhere'];
      const depths = await transport.queues.depths(queues);
      return Object.fromEntries(queues.map((queue) => [queue, depths.get(queue) as number]).filter(([, depth]) => depth !== 0));
    },
  };
}

describe('a client that knows the pools', () => {
  test('sends a task to the smallest pool that has what its contract names', async () => {
    const { app, waiting } = await rig();
    await app.task(resize).delay('a.png');
    await app.task(train).delay('set');
    await app.task(plain).delay();
    expect(await waiting()).toEqual({ celery: 1, small: 1, large: 1 });
  });

  test('lays what a call states over the contract, field by field', async () => {
    const { app, waiting } = await rig();
    await app.task(resize).applyAsync({ args: ['huge.png'], resources: { memory: '4Gi' } });
    await app.task(resize).applyAsync({ args: ['a.png'], resources: { memory: null } });
    await app.task(plain).applyAsync({ resources: { cpu: '250m' } });
    await app.task(plain).applyAsync({ resources: { pool: 'large' } });
    await app.sendTask('tasks.any', { resources: { cpu: 2 } });
    expect(await waiting()).toEqual({ celery: 1, small: 1, large: 3 });
  });

  test('refuses what fits nowhere before anything is published, with what each pool is short of', async () => {
    const { app, waiting } = await rig();
    await expect(app.task(train).applyAsync({ args: ['set'], resources: { memory: '64Gi', gpu: 1 } })).rejects.toMatchObject({
      code: 'CELERIAC_E_NO_POOL_FITS',
      message: expect.stringContaining('large: memory 32Gi < 64Gi, gpu 0 < 1'),
      data: { task: 'ml.train', pools: [{ pool: 'small' }, { pool: 'large', short: ['memory 32Gi < 64Gi', 'gpu 0 < 1'] }] },
    });
    await expect(app.task(plain).applyAsync({ resources: { memory: '1GB' } })).rejects.toMatchObject({
      code: 'CELERIAC_E_ARGUMENTS',
      message: expect.stringContaining('tasks.plain was not sent: resources: memory: "1GB" is not a quantity'),
    });
    expect(await waiting()).toEqual({});
  });

  test('a stated queue wins, of the call, of the contract or of a route; and is refused where its pool is short', async () => {
    const { app, waiting } = await rig({ pools: POOLS, taskRoutes: { 'tasks.plain': 'emails' } });
    const fixed = contract('tasks.fixed', { queue: 'large', resources: { cpu: '100m' } });
    await app.task(resize).applyAsync({ args: ['a.png'], queue: 'large' });
    await app.task(fixed).delay();
    await app.task(plain).applyAsync({ resources: { cpu: '500m' } });
    await app.task(train).applyAsync({ args: ['set'], queue: 'elsewhere' });
    expect(await waiting()).toEqual({ large: 2, emails: 1, elsewhere: 1 });
    await expect(app.task(train).applyAsync({ args: ['set'], queue: 'small' })).rejects.toMatchObject({
      code: 'CELERIAC_E_NO_POOL_FITS',
      message: expect.stringContaining('its queue was stated: small, of pool small: cpu 500m (1 in 2 slots) < 4'),
    });
    await expect(app.task(plain).applyAsync({ resources: { cpu: 1 } })).rejects.toMatchObject({ code: 'CELERIAC_E_NO_POOL_FITS' });
  });

  test('sends the same message as ever: needs choose the queue and do not travel', async () => {
    const { app, received } = await rig();
    const headers = received('large');
    await app.task(plain).applyAsync({ queue: 'large', taskId: 'one' });
    await app.task(plain).applyAsync({ resources: { cpu: 4, labels: {} }, taskId: 'one' });
    await until(() => headers.length === 2);
    expect(headers[1]).toEqual(headers[0]);
  });

  test('publishMany routes each, and counts those that fit nowhere', async () => {
    const { app, waiting } = await rig();
    const [small, large] = [app.task(resize), app.task(train)];
    const calls = Array.from({ length: 30 }, (_, index) =>
      index % 3 === 0 ? small.s('a') : index % 3 === 1 ? large.s('b') : small.signature({ args: ['c'], resources: { cpu: 100 } }),
    );
    const report = await app.publishMany(calls, { onError: 'continue' });
    expect(report).toMatchObject({ published: 20, failed: 10, firstError: { code: 'CELERIAC_E_NO_POOL_FITS' } });
    expect(await waiting()).toEqual({ small: 10, large: 10 });
  });

  test('what it cannot use of the list it says at the first call', async () => {
    const { app } = await rig({ pools: { small: { queues: ['small'], size: { memory: '2GB' } } } });
    await expect(app.task(plain).delay()).rejects.toMatchObject({
      code: 'CELERIAC_E_CONFIG',
      message: expect.stringContaining('pools: small.size.memory: "2GB" is not a quantity'),
    });
  });
});

describe('a client that does not', () => {
  test('sends a task where it ever went, whatever its contract needs', async () => {
    const { app, waiting } = await rig({});
    await app.task(train).delay('set');
    expect(await waiting()).toEqual({ celery: 1 });
  });

  test('refuses needs of a call: they could only be ignored', async () => {
    const { app, waiting } = await rig({});
    await expect(app.task(train).applyAsync({ args: ['set'], resources: { cpu: 1 } })).rejects.toMatchObject({
      code: 'CELERIAC_E_CONFIG',
      message: expect.stringContaining('new Celery({ broker, pools })'),
    });
    expect(await waiting()).toEqual({});
  });
});
