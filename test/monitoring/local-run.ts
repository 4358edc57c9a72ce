// A real run on one machine under a real Prometheus: Redis, `celeriac autoscale` with local workers that are scraped as well, a Node and a
// Python producer, and tasks that end in every way.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Celery } from '@celeriac/producer';
import { freePort } from '../brokers/free-port.ts';
import { startRedis } from '../brokers/redis.ts';
import { runPython } from '../python/script.ts';
import type { SpawnedProcess } from '../spawned-process.ts';
import { until } from '../until.ts';
import { startCeleriac } from '../worker-process.ts';
import { highest } from './dashboard-queries.ts';
import { type Prometheus, type Span, startPrometheus, type Target } from './prometheus.ts';

const LABELS = { namespace: 'app' };
/** Tasks of the first wave, which nobody has a worker for yet, and of the second. */
const WORKS = 24;
/** What a Python producer sends, and says that it sent. */
const FROM_PYTHON = 8;
const TYPE_ERRORS = 6;

/** What was sent, all in all. */
export const SENT: { readonly first: number; readonly succeed: number; readonly valueErrors: number; readonly lost: number } = {
  first: WORKS,
  succeed: WORKS + 4 + 2 + WORKS + 2 + FROM_PYTHON,
  valueErrors: 3,
  lost: 2,
};

export interface LocalRun {
  readonly prometheus: Prometheus;
  /** From the first message to the end of the last worker. */
  readonly span: Span;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Runs it to its end and leaves Prometheus standing; `rules` are paths of rule files. */
export async function startLocalRun(rules: readonly string[]): Promise<LocalRun> {
  const stack = new AsyncDisposableStack();
  try {
    const redis = stack.use(await startRedis());
    const folder = mkdtempSync(join(tmpdir(), 'celeriac-monitored-'));
    stack.defer(() => rmSync(folder, { recursive: true, force: true }));
    const file = join(folder, 'pools.yaml');
    const gate = join(folder, 'gate');
    writeFileSync(file, poolsYaml(redis.url));
    const [http, celeryMetrics] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`];
    const autoscaler = stack.use(
      startCeleriac(['autoscale', '-f', file, '--http', http, '--celery-metrics', celeryMetrics], { env: { CELERIAC_TEST_GATE: gate } }),
    );
    await autoscaler.line(/autoscaler ready/);
    const own: readonly Target[] = [
      { job: 'celeriac-autoscaler', address: http, labels: LABELS },
      { job: 'celery-exporter', address: celeryMetrics, labels: LABELS },
    ];
    const prometheus = stack.use(await startPrometheus(() => [...own, ...workersOf(autoscaler)], rules));
    await prometheus.scraped(own);
    const fromS = Date.now() / 1_000;

    const celery = new Celery({ broker: redis.url });
    stack.defer(() => celery.close());
    const now = async (expr: string): Promise<number> => highest(await prometheus.query(expr, Date.now() / 1_000));
    const reaches = (what: string, expr: string, isThere: (value: number) => boolean) =>
      until(async () => isThere(await now(expr)), { timeoutMs: 120_000, everyMs: 250, what }).catch((error: Error) => {
        throw new Error(`${error.message}\n${autoscaler.output().slice(-6_000)}`);
      });
    await sendFirst(celery);
    // No worker comes up before the tasks that wait for one have been scraped.
    await reaches('tasks that wait', 'max(celeriac_queue_ready{queue="celery"})', (value) => value > 5);
    writeFileSync(gate, '');
    // Workers are scraped while they run, and a second wave meets those that are there: counters grow from one scrape to the next.
    await reaches('tasks that succeeded', 'sum(celery_task_succeeded_total)', (value) => value > 5);
    await reaches('retries', 'sum(celery_task_retried_total)', (value) => value >= 2);
    await reaches('failures', 'sum(celery_task_failed_total)', (value) => value > TYPE_ERRORS);
    await Promise.all([sendSecond(celery), runPython(PYTHON_PRODUCER, { args: [redis.url, String(FROM_PYTHON)], timeoutMs: 120_000 })]);
    await reaches(`${SENT.succeed} tasks that succeeded`, 'sum(celery_task_succeeded_total)', (value) => value >= SENT.succeed);
    const failed = (exception: string): string => `sum(celery_task_failed_total{exception="${exception}"})`;
    await reaches('failures of another kind', failed('ValueError'), (value) => value >= SENT.valueErrors);
    await reaches('tasks that were lost', failed('WorkerLostError'), (value) => value >= SENT.lost);
    await reaches('no replicas', 'sum(celeriac_pool_replicas)', (value) => value === 0);
    return { prometheus, span: { fromS, toS: Date.now() / 1_000 }, [Symbol.asyncDispose]: () => stack.disposeAsync() };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

async function sendFirst(celery: Celery): Promise<void> {
  const send = (name: string, args: readonly unknown[], queue = 'celery') => celery.sendTask(name, { args, queue });
  // First what is sent again in the second wave: its counters must have been scraped by then.
  for (let count = 0; count < TYPE_ERRORS; count += 1) await send('shop.fail', ['type']);
  await send('shop.retry', []);
  await send('shop.retry', [], 'reports');
  await send('shop.crash', [], 'reports');
  for (let count = 0; count < WORKS; count += 1) await send('shop.work', [300], count % 4 === 0 ? 'slow' : 'celery');
  for (let count = 0; count < 4; count += 1) await send('shop.work', [200], 'reports');
}

async function sendSecond(celery: Celery): Promise<void> {
  for (let count = 0; count < WORKS; count += 1) {
    await celery.sendTask('shop.work', { args: [100], queue: count % 4 === 0 ? 'reports' : 'celery', countdown: 0.5 });
  }
  for (const queue of ['celery', 'reports']) await celery.sendTask('shop.retry', { queue });
  await celery.sendTask('shop.crash', { queue: 'reports' });
  await celery.sendTask('shop.fail', { args: ['type'] });
  // A task that has failed in another way before.
  for (let count = 0; count < SENT.valueErrors; count += 1) await celery.sendTask('shop.fail', { args: ['range'] });
}

const PYTHON_PRODUCER = `
import sys
from celery import Celery
app = Celery(broker=sys.argv[1])
app.conf.task_send_sent_event = True
for count in range(int(sys.argv[2])):
    app.send_task('shop.work', args=[100], queue='reports' if count % 2 else 'celery')
`;

/** Addresses of the workers that have come up, from what they print. */
function workersOf(autoscaler: SpawnedProcess): readonly Target[] {
  const found = autoscaler.output().matchAll(/(emails|reports)\S*@\S* ready\. http:\/\/([\d.:]+)/g);
  return [...found].map(([, pool = '', address = '']) => ({ job: 'celeriac-worker', address, labels: { ...LABELS, pool } }));
}

function poolsYaml(broker: string): string {
  const tasks = resolve(import.meta.dirname, 'tasks.ts');
  const command = ['celeriac', 'worker', '-A', tasks, '-Q', '{queues}', '-n', '{name}', '-c', '{slots}', '-E', '--http', '127.0.0.1:0'];
  const pool = (name: string, queues: string) => `
  ${name}:
    queues: [${queues}]
    slotsPerReplica: 2
    scaling: { max: 3, goal: { queueWait: 2s, expectedTaskTime: 1s, expectedStartTime: 2s }, idleToZero: 2s, downDelay: 1s }
    target: { local: { command: ${JSON.stringify(command)} } }`;
  return `broker: { url: "${broker}" }\npools:${pool('emails', 'celery, slow')}${pool('reports', 'reports')}\n`;
}
