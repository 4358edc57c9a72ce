// Every example that the guide sends its readers to, run as they would run it.

import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RedisServer, startRedis } from '../brokers/redis.ts';
import { pythonPeer } from '../python/venv.ts';
import { type SpawnedProcess, spawnProcess } from '../spawned-process.ts';
import { until } from '../until.ts';
import { runCeleriac, startCeleriac, startWorkerProcess } from '../worker-process.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const TASKS = 'examples/basics/tasks.ts';

describe('examples/web-producer', () => {
  let redis: RedisServer;
  let worker: SpawnedProcess;
  let server: SpawnedProcess;
  let address: string;

  beforeAll(async () => {
    redis = await startRedis();
    const env = { CELERY_BROKER_URL: redis.database(0), CELERY_RESULT_BACKEND: redis.database(1) };
    worker = await startWorkerProcess({ tasks: TASKS, broker: env.CELERY_BROKER_URL, backend: env.CELERY_RESULT_BACKEND });
    server = spawnProcess(process.execPath, ['--conditions=@celeriac/source', 'examples/web-producer/server.ts'], { cwd: ROOT, env });
    address = (await server.line(/^listening on /)).slice('listening on '.length);
  });
  afterAll(async () => {
    await server?.stop();
    await worker?.stop();
    await redis?.stop();
  });

  const post = (body: string): Promise<Response> => fetch(`${address}/sums`, { method: 'POST', body });
  const answer = async (response: Response): Promise<unknown> => [response.status, await response.json()];

  it('hands a sum to a worker and tells what became of it', async () => {
    const created = await post('{"x": 2, "y": 3}');
    const { id } = (await created.json()) as { id: string };
    expect(created.status).toBe(202);
    const sum = async (): Promise<unknown> => (await fetch(`${address}/sums/${id}`)).json();
    await until(async () => ((await sum()) as { status: string }).status === 'SUCCESS', { what: 'the sum' });
    expect(await sum()).toEqual({ status: 'SUCCESS', sum: 5 });
  });

  it('refuses what is no sum', async () => {
    expect(await answer(await post('{"x": "2"}'))).toEqual([400, { error: 'x and y must be numbers' }]);
    expect(await answer(await post('no JSON'))).toEqual([400, { error: 'the body is not JSON' }]);
    expect(await answer(await fetch(`${address}/sums/unknown`))).toEqual([200, { status: 'PENDING' }]);
  });

  it('ends at SIGTERM', async () => {
    expect(await server.stop(), server.output()).toEqual({ code: 0, signal: null });
  });
});

describe('examples/python-join', () => {
  const cwd = resolve(ROOT, 'examples/python-join');
  let dev: SpawnedProcess;
  let env: { CELERY_BROKER_URL: string; CELERY_RESULT_BACKEND: string };

  beforeAll(async () => {
    // one worker that stays: the last line names it
    dev = startCeleriac(['dev', '-A', TASKS, '--port', '0', '--http', 'off', '--max', '1', '--idle', '300']);
    const broker = /redis:\S+/.exec(await dev.line(/^broker +redis:/))?.[0] ?? '';
    const backend = /redis:\S+/.exec(await dev.line(/^results +redis:/))?.[0] ?? '';
    env = { CELERY_BROKER_URL: broker, CELERY_RESULT_BACKEND: backend };
  });
  afterAll(() => dev?.stop());

  it('Python calls the tasks of a TypeScript worker', async () => {
    const peer = await pythonPeer('celery57');
    const script = spawnProcess(peer.python, ['join.py'], { cwd, env: { ...peer.env, ...env } });
    expect(await script.ended, script.output()).toEqual({ code: 0, signal: null });
    const lines = script.output().trim().split('\n');
    expect(lines.slice(0, -1)).toEqual([
      'add 5',
      'add by keyword 42',
      'big integer 1180591620717411303424',
      "decimal Decimal('1.10')",
      "bytes b'\\xff\\x00'",
      'retried 2',
      "TypeError add() missing 1 required positional argument: 'y'",
      'chain 13',
      'group [0, 2, 4]',
      'eta late True',
    ]);
    expect(lines.at(-1)).toMatch(/^workers \['dev-1@/);
  });

  it('TypeScript calls the task of a Python worker', async () => {
    const peer = await pythonPeer('celery57');
    const args = ['-A', 'app', 'worker', '-Q', 'python', '-c', '1', '-l', 'INFO'];
    const python = spawnProcess(peer.bin('celery'), args, { cwd, env: { ...peer.env, ...env }, group: true });
    try {
      await python.line(/ ready\.$/, 60_000);
      const called = await runCeleriac(['call', 'python.mean', '-a', '[[1, 2, 6]]', '-Q', 'python', '--wait', '90'], {
        env,
        timeoutMs: 150_000,
      });
      expect(called).toMatchObject({ code: 0, stdout: '3\n' });
    } finally {
      await python.stop();
    }
  });
});

describe('examples/resources', () => {
  const cwd = resolve(ROOT, 'examples/resources');
  let redis: RedisServer;
  let env: { CELERY_BROKER_URL: string; CELERY_RESULT_BACKEND: string };
  let autoscaler: SpawnedProcess;

  beforeAll(async () => {
    redis = await startRedis();
    env = { CELERY_BROKER_URL: redis.database(0), CELERY_RESULT_BACKEND: redis.database(1) };
    autoscaler = startCeleriac(['autoscale', '-f', 'pools.yaml', '--http', 'off'], { cwd, env });
    await autoscaler.line(/autoscaler ready/);
  });
  afterAll(async () => {
    await autoscaler?.stop(30_000);
    await redis?.stop();
  });

  it('sends tasks to pools that have what they need, from zero, and refuses what fits nowhere', async () => {
    const script = spawnProcess(process.execPath, ['--conditions=@celeriac/source', 'examples/resources/send.ts'], { cwd: ROOT, env });
    expect(await script.ended, `${script.output()}\n${autoscaler.output()}`).toEqual({ code: 0, signal: null });
    expect(script.output().trim().split('\n')).toEqual([
      'thumbnail of a.png by small',
      'thumbnail of huge.png by large',
      'b.mp4 transcoded by large',
      'album by celery',
      'CELERIAC_E_NO_POOL_FITS: media.transcode was not sent: it needs cpu 2, memory 16Gi, gpu 1, and no pool has that: ' +
        'small: cpu 500m (1 in 2 slots) < 2, memory 512Mi (1Gi in 2 slots) < 16Gi, gpu 0 < 1; large: memory 8Gi < 16Gi, gpu 0 < 1. ' +
        'Ask for less, or give a pool what is short.',
    ]);
  });
});
