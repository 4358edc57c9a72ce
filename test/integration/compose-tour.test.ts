// What docker/compose.yaml runs, without the containers: its pools, its tasks and its Python program between a real RabbitMQ and Redis.

import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freePort } from '../brokers/free-port.ts';
import { type Rabbitmq, startRabbitmq } from '../brokers/rabbitmq.ts';
import { type RedisServer, startRedis } from '../brokers/redis.ts';
import { type CeleryWorker, startCeleryWorker } from '../python/celery-worker.ts';
import type { SpawnedProcess } from '../spawned-process.ts';
import { until } from '../until.ts';
import { startCeleriac } from '../worker-process.ts';

const TOUR = resolve(import.meta.dirname, '../../docker/compose');
const SIZE = 24;

let rabbitmq: Rabbitmq;
let redis: RedisServer;
let python: CeleryWorker;
let autoscaler: SpawnedProcess;
let api: string;
let metrics: string;
let grew = false;

beforeAll(async () => {
  [rabbitmq, redis] = await Promise.all([startRabbitmq(), startRedis()]);
  const vhost = await rabbitmq.createVhost();
  const env = { CELERY_BROKER_URL: vhost.url, CELERY_RESULT_BACKEND: redis.database(0) };
  const [http, events] = [await freePort(), await freePort()];
  api = `http://127.0.0.1:${http}`;
  metrics = `http://127.0.0.1:${events}/metrics`;
  const args = ['autoscale', '-f', 'pools.yaml', '--http', `127.0.0.1:${http}`, '--celery-metrics', `127.0.0.1:${events}`];
  autoscaler = startCeleriac(args, { cwd: TOUR, env });
  const app = readFileSync(join(TOUR, 'python/app.py'), 'utf8');
  python = await startCeleryWorker({ app, queues: ['python'], name: 'python', concurrency: 2, env });
  await until(async () => (await fetch(`${api}/readyz`).catch(() => undefined))?.ok, { timeoutMs: 60_000, what: 'the autoscaler' });
}, 240_000);
afterAll(async () => {
  await python?.stop();
  await autoscaler?.stop(60_000);
  await Promise.all([rabbitmq?.stop(), redis?.stop()]);
});

const sample = async (name: string, ...labels: readonly string[]): Promise<number> => {
  const lines = (await (await fetch(metrics)).text()).split('\n');
  const found = lines.filter((line) => line.startsWith(`${name}{`) && labels.every((label) => line.includes(label)));
  return found.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
};

/** Processes, in whatever state. */
const workers = async (): Promise<number> => {
  type Pools = { readonly pools: readonly { readonly pool: string; readonly replicas: number }[] };
  const { pools } = (await (await fetch(`${api}/api/pools`)).json()) as Pools;
  return pools.find(({ pool }) => pool === 'node')?.replicas ?? Number.NaN;
};

it('a burst from Python brings TypeScript workers from zero, and Python goes on with what they return', async () => {
  expect(await workers()).toBe(0);
  await python.celery('call', 'tour.burst', '--args', `[${SIZE}]`);
  const shortened = (): number => [...python.process.output().matchAll(/Task tour\.short\[.*succeeded in .*: '[0-9a-f]{8}'/g)].length;
  await until(async () => (await workers()) > 0, { timeoutMs: 60_000, what: 'a TypeScript worker' });
  grew = true;
  await until(() => shortened() === SIZE, { timeoutMs: 120_000, what: `${SIZE} digests in Python's hands` });
  const succeeded = (): Promise<number> => sample('celery_task_succeeded_total', 'name="tour.digest"');
  await until(async () => (await succeeded()) === SIZE, { timeoutMs: 60_000, what: 'celery_task_succeeded_total of all digests' });
  await until(async () => (await sample('celery_task_failed_total', 'name="tour.refuse"')) === 1, { what: 'the one that fails' });
}, 240_000);

it('and back to zero', async () => {
  // Not asked again here: on a slow machine it may have shrunk by now.
  expect(grew).toBe(true);
  await until(async () => (await workers()) === 0, { timeoutMs: 120_000, everyMs: 250, what: 'no TypeScript worker' });
}, 240_000);
