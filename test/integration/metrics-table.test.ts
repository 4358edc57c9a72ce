// What an autoscaler and a worker really export, against the one table of all metrics (docs/metrics.md).

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Celery } from '@celeriac/producer';
import { expect, it } from 'vitest';
import type { MetricDeclaration } from '../../packages/brokers/src/observe/metric.ts';
import { allMetrics } from '../../scripts/metrics-document.ts';
import { freePort } from '../brokers/free-port.ts';
import { startRedis } from '../brokers/redis.ts';
import { until } from '../until.ts';
import { startCeleriac, startWorkerProcess } from '../worker-process.ts';
import { ourWorker } from './autoscaler-rig.ts';
import { findScrapeCheck } from './scrape-check.ts';

const TASKS = resolve(import.meta.dirname, '../../examples/basics/tasks.ts');
const check = await findScrapeCheck();
const HISTOGRAM = /_(?:bucket|sum|count)$/;

it('every exported name is in the table with its type and labels, and the table has no others', { timeout: 240_000 }, async () => {
  const declared = new Map(allMetrics().map((metric) => [metric.name, metric]));
  expect(declared.size).toBe(allMetrics().length);
  await using redis = await startRedis();
  const folder = mkdtempSync(join(tmpdir(), 'celeriac-metrics-table-'));
  const pools = join(folder, 'pools.yaml');
  writeFileSync(
    pools,
    `pools:
  default: { queues: [celery], slotsPerReplica: 1, scaling: { min: 1, max: 1 }, target: { local: { command: ${ourWorker} } } }
  off: { queues: [mails], slotsPerReplica: 1, scaling: { mode: off }, target: { local: { command: ${ourWorker} } } }
`,
  );
  const [httpPort, celeryPort, workerPort] = [await freePort(), await freePort(), await freePort()];
  const args = ['--http', `127.0.0.1:${httpPort}`, '--celery-metrics', `127.0.0.1:${celeryPort}`, '--keda-metrics'];
  const autoscaler = startCeleriac(['autoscale', '-f', pools, '-b', redis.url, ...args]);
  const worker = await startWorkerProcess({
    tasks: TASKS,
    broker: redis.url,
    queues: ['mails'],
    name: 'w@table',
    args: ['-E', '--http', `127.0.0.1:${workerPort}`],
  });
  const celery = new Celery({ broker: redis.url });
  try {
    await autoscaler.line(/autoscaler ready/);
    const pages = { autoscaler: httpPort, celery: celeryPort, worker: workerPort };
    const scrape = async (of: keyof typeof pages): Promise<string> => (await fetch(`http://127.0.0.1:${pages[of]}/metrics`)).text();
    await until(async () => /^celery_worker_up\{hostname="table"\} 1\.0$/m.test(await scrape('celery')), {
      timeoutMs: 60_000,
      everyMs: 200,
    });
    await celery.sendTask('tasks.add', { args: [1, 2], queue: 'mails' });
    await until(async () => /^celery_task_succeeded_total\{.*\} 1\.0$/m.test(await scrape('celery')), { timeoutMs: 60_000, everyMs: 200 });
    await until(async () => /^celeriac_pool_replicas\{pool="default",state="ready"\} 1$/m.test(await scrape('autoscaler')), {
      timeoutMs: 60_000,
      everyMs: 200,
    });

    let texts: readonly string[] = [];
    let missing: readonly string[] = [];
    // some are asked for behind a scrape and are in the next one
    const isWhole = async (): Promise<boolean> => {
      texts = await Promise.all((['autoscaler', 'celery', 'worker'] as const).map(scrape));
      const exported = new Set(texts.flatMap((text) => [...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name as string)));
      missing = [...declared.keys()].filter((name) => !exported.has(name));
      return missing.length === 0;
    };
    await until(isWhole, { everyMs: 200 }).catch(() => {});
    expect(missing).toEqual([]);
    for (const text of texts) {
      expect(faultsOf(text, declared)).toEqual([]);
      if (check !== undefined) {
        expect((await check(text)).filter((line) => !KNOWN_ADVICE.some((known) => known.test(line)))).toEqual([]);
      }
    }
    // The check does see what is wrong.
    const wrong = '# TYPE celeriac_leader counter\nceleriac_leader{more="1"} 1\ncelery_new 1\n';
    expect(faultsOf(wrong, declared)).toEqual([
      'celeriac_leader is a counter',
      'celeriac_leader has the label more',
      'celery_new is not in the table',
    ]);
  } finally {
    await celery.close();
    await worker.stop();
    await autoscaler.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});

/** What a page says that its declarations do not. */
function faultsOf(text: string, declared: ReadonlyMap<string, MetricDeclaration>): readonly string[] {
  const faults = new Set<string>();
  for (const line of text.split('\n')) {
    const [, typed, type] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? [];
    if (typed !== undefined && declared.has(typed) && declared.get(typed)?.type !== type) faults.add(`${typed} is a ${type}`);
    const [, series, labels = ''] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? \S+$/.exec(line) ?? [];
    if (series === undefined) continue;
    const base = series.replace(HISTOGRAM, '');
    const metric = declared.get(series) ?? (declared.get(base)?.type === 'histogram' ? declared.get(base) : undefined);
    if (metric === undefined) faults.add(`${series} is not in the table`);
    for (const [, label] of labels.matchAll(/(\w+)="(?:[^"\\]|\\.)*"/g)) {
      if (metric === undefined || metric.labels.includes(label as string)) continue;
      if (!(label === 'le' && metric.type === 'histogram')) faults.add(`${series} has the label ${label}`);
    }
  }
  return [...faults];
}

/** Names that are KEDA's, celery-exporter's and prom-client's, none of whom follows all of Prometheus' advice. */
const KNOWN_ADVICE = [
  /^(celeriac|keda)_(trigger|resource)_registered_total non-counter metrics should not have "_total" suffix$/,
  /^(celeriac|keda)_scale[rd]_\S+ label names should be written in 'snake_case' not 'camelCase'$/,
  /^celery_active_\w+_count non-histogram and non-summary metrics should not have "_count" suffix$/,
  /^celeriac_worker_nodejs_active_\w+_total non-counter metrics should not have "_total" suffix$/,
];
