// Tasks that say what they need, two pools of workers on a real Redis, and the pools.yaml that describes them.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { poolListOf, readPools } from '@celeriac/autoscaler';
import { createTransport, type Transport } from '@celeriac/brokers';
import { Celery } from '@celeriac/producer';
import { parseJson } from '@celeriac/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { album, thumbnail, transcode } from '../../examples/resources/contracts.ts';
import { type RedisServer, startRedis } from '../brokers/redis.ts';
import type { SpawnedProcess } from '../spawned-process.ts';
import { until } from '../until.ts';
import { runCeleriac, startWorkerProcess } from '../worker-process.ts';

const FOLDER = resolve(import.meta.dirname, '../../examples/resources');
const POOLS = join(FOLDER, 'pools.yaml');
const TASKS = join(FOLDER, 'tasks.ts');
const QUEUES = ['celery', 'small', 'large'];

let redis: RedisServer;
let transport: Transport;
let app: Celery;
const workers: SpawnedProcess[] = [];

beforeAll(async () => {
  redis = await startRedis();
  transport = await createTransport({ url: redis.database(0) });
  const pools = poolListOf(await readPools(await readFile(POOLS, 'utf8'), 'pools.yaml'));
  app = new Celery({ broker: redis.database(0), backend: redis.database(1), pools });
  for (const [pool, queues] of Object.entries({ small: ['small', 'celery'], large: ['large'] })) {
    const at = { broker: redis.database(0), backend: redis.database(1) };
    workers.push(await startWorkerProcess({ tasks: TASKS, ...at, queues, name: `${pool}@test`, args: ['--pools', POOLS, '-E'] }));
  }
});
afterAll(async () => {
  await Promise.all(workers.map((worker) => worker.stop()));
  await app?.close();
  await transport?.close();
  await redis?.stop();
});

const call = (args: readonly string[]) => runCeleriac(['call', ...args, '-b', redis.database(0), '--result-backend', redis.database(1)]);

describe('two pools of different size', () => {
  it('each get the tasks that fit them, by their contracts and by what a call states', async () => {
    const results = await Promise.all(
      Array.from({ length: 40 }, async (_, n) => {
        const [small, raised, large] = await Promise.all([
          app.task(thumbnail).delay(`${n}.png`),
          app.task(thumbnail).applyAsync({ args: [`huge-${n}.png`], resources: { memory: '2Gi' } }),
          app.task(transcode).delay(`${n}.mp4`),
        ]);
        return Promise.all([small, raised, large].map((result) => result.get({ timeoutMs: 50_000 })));
      }),
    );
    expect(results).toEqual(
      results.map((_, n) => [`thumbnail of ${n}.png by small`, `thumbnail of huge-${n}.png by large`, `${n}.mp4 transcoded by large`]),
    );
  });

  it('also get what a task calls', async () => {
    const expected = {
      "'album by celery'": 'small@test',
      "'c.mp4 transcoded by large'": 'large@test',
      "'d.mp4 transcoded by large'": 'large@test',
    };
    const done = new Map<string, string>();
    const bus = await transport.bus.subscribe({ exchange: 'celeryev', type: 'topic', binding: '#', queue: 'watch' }, ({ message }) => {
      const events = [parseJson(new TextDecoder().decode(message.body))].flat() as { type: string; hostname: string; result?: string }[];
      for (const { type, hostname, result } of events) {
        // what is told of earlier tasks may still be on its way
        if (type === 'task-succeeded' && result !== undefined && result in expected) done.set(result, hostname);
      }
    });
    const result = await app.task(album).delay(['c.mp4', 'd.mp4']);
    expect(await result.get({ timeoutMs: 50_000 })).toBe('album by celery');
    await until(() => done.size >= 3, { what: 'the events of three tasks' });
    expect(Object.fromEntries(done)).toEqual(expected);
    await bus.close();
  });

  it('get nothing of what fits neither: the call is refused and the broker sees nothing', async () => {
    const needs = { memory: '16Gi', gpu: 1 };
    await expect(app.task(transcode).applyAsync({ args: ['film.mov'], resources: needs })).rejects.toMatchObject({
      code: 'CELERIAC_E_NO_POOL_FITS',
      data: {
        pools: [
          { pool: 'small', short: ['cpu 500m (1 in 2 slots) < 2', 'memory 512Mi (1Gi in 2 slots) < 16Gi', 'gpu 0 < 1'] },
          { pool: 'large', short: ['memory 8Gi < 16Gi', 'gpu 0 < 1'] },
        ],
      },
    });
    expect(await Promise.all(QUEUES.map(async (queue) => (await transport.queues.depth(queue)) ?? 0))).toEqual([0, 0, 0]);
  });
});

describe('celeriac call --resources', () => {
  it('goes to the smallest pool that fits', { timeout: 180_000 }, async () => {
    const small = await call(['media.thumbnail', '--args', '["a"]', '--resources', 'cpu=100m', '--pools', POOLS, '--wait', '50']);
    expect(small.stdout.trim(), small.output).toBe('"thumbnail of a by small"');
    const large = await call(['media.thumbnail', '--args', '["a"]', '--resources', 'memory=2Gi', '--pools', POOLS, '--wait', '50']);
    expect(large.stdout.trim(), large.output).toBe('"thumbnail of a by large"');
  });

  it('refuses what fits nowhere, what it cannot read, and a file with faults', { timeout: 180_000 }, async () => {
    const nowhere = await call(['media.thumbnail', '--resources', 'gpu=1,gpu.model=t4', '--pools', POOLS]);
    expect(nowhere.code).toBe(1);
    expect(nowhere.output).toContain('CELERIAC_E_NO_POOL_FITS: media.thumbnail was not sent: it needs gpu 1, gpu model t4');
    const unread = await call(['media.thumbnail', '--resources', 'memory=4GB', '--pools', POOLS]);
    expect(unread.output).toContain('write 4G for powers of 1,000 or 4Gi for powers of 1,024');
    expect((await call(['media.thumbnail', '--resources', 'cpu=1'])).output).toContain('--resources needs --pools FILE');

    const folder = mkdtempSync(join(tmpdir(), 'celeriac-resources-'));
    const faulty = join(folder, 'faulty.yaml');
    writeFileSync(faulty, 'pools:\n  a:\n    queues: [a]\n    size: { memroy: 1Gi }\n    target: { deployment: { name: a } }\n');
    expect((await call(['media.thumbnail', '--resources', 'cpu=1', '--pools', faulty])).output).toContain(
      `${faulty}: line 4: pools.a.size.memroy: unknown key; did you mean memory?`,
    );
    rmSync(folder, { recursive: true });
  });
});
