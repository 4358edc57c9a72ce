import type { MetricDeclaration } from '@celeriac/brokers';
import type { Buckets } from './buckets.ts';
import { CELERY_METRICS } from './celery-table.ts';
import type { HostSeen } from './hosts.ts';
import type { TaskEventType } from './known-tasks.ts';
import { pythonFloat } from './python-float.ts';
import type { TaskRow } from './task-series.ts';

/** What a page shows of a queue; null shows nothing, because nobody could say. */
export interface QueueFigures {
  readonly length: number | null;
  readonly consumers: number | null;
  readonly workers: number | null;
  readonly processes: number | null;
}

/** What a page is made of. */
export interface CeleryFigures {
  readonly rows: ReadonlyMap<string, TaskRow>;
  readonly hosts: ReadonlyMap<string, HostSeen>;
  readonly queues: ReadonlyMap<string, QueueFigures>;
}

/** Prometheus 3 fails a scrape whose type it cannot read. */
export const CELERY_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

const COUNTERS: readonly (readonly [TaskEventType, MetricDeclaration])[] = [
  ['task-sent', CELERY_METRICS.sent],
  ['task-received', CELERY_METRICS.received],
  ['task-started', CELERY_METRICS.started],
  ['task-succeeded', CELERY_METRICS.succeeded],
  ['task-failed', CELERY_METRICS.failed],
  ['task-rejected', CELERY_METRICS.rejected],
  ['task-revoked', CELERY_METRICS.revoked],
  ['task-retried', CELERY_METRICS.retried],
];
const QUEUES: readonly (readonly [keyof QueueFigures, MetricDeclaration])[] = [
  ['length', CELERY_METRICS.length],
  ['consumers', CELERY_METRICS.consumers],
  ['workers', CELERY_METRICS.workers],
  ['processes', CELERY_METRICS.processes],
];

/**
 * A page in Prometheus' text format as Python's client writes it: every metric with its help and type even while it has no series, labels
 * by name, numbers as Python writes them. In pieces of a row or so, for pages of many megabytes.
 */
export function* celeryPage({ rows, hosts, queues }: CeleryFigures): Generator<string, void> {
  for (const [type, metric] of COUNTERS) {
    yield head(metric);
    for (const row of rows.values()) yield counterOf(metric.name, type, row);
  }
  yield head(CELERY_METRICS.up);
  for (const [host, { up }] of hosts) yield `${CELERY_METRICS.up.name}{hostname="${escaped(host)}"} ${pythonFloat(up)}\n`;
  yield head(CELERY_METRICS.active);
  for (const [host, { active }] of hosts) {
    if (active !== null) yield `${CELERY_METRICS.active.name}{hostname="${escaped(host)}"} ${pythonFloat(active)}\n`;
  }
  yield head(CELERY_METRICS.runtime);
  for (const row of rows.values()) yield histogramOf(CELERY_METRICS.runtime, row, row.runtime);
  yield head(CELERY_METRICS.wait);
  for (const row of rows.values()) yield histogramOf(CELERY_METRICS.wait, row, row.wait);
  for (const [figure, metric] of QUEUES) {
    yield head(metric);
    for (const [queue, figures] of queues) {
      const value = figures[figure];
      if (value !== null) yield `${metric.name}{queue_name="${escaped(queue)}"} ${pythonFloat(value)}\n`;
    }
  }
}

function head({ name, help, type }: MetricDeclaration): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
}

function counterOf(name: string, type: TaskEventType, row: TaskRow): string {
  if (type === 'task-failed') {
    let text = '';
    for (const [exception, count] of row.failed)
      text += `${name}{exception="${escaped(exception)}",${labelsOf(row)}} ${pythonFloat(count)}\n`;
    return text;
  }
  const count = row.counts.get(type);
  return count === undefined ? '' : `${name}{${labelsOf(row)}} ${pythonFloat(count)}\n`;
}

function histogramOf(
  { name, buckets: bounds }: { readonly name: string; readonly buckets: readonly number[] },
  row: TaskRow,
  buckets: Buckets | null,
): string {
  if (buckets === null) return '';
  const before = `hostname="${escaped(row.hostname)}"`;
  const behind = `name="${escaped(row.name)}",queue_name="${escaped(row.queue)}"`;
  let text = '';
  let below = 0;
  for (const [at, count] of buckets.counts.entries()) {
    below += count;
    text += `${name}_bucket{${before},le="${pythonFloat(bounds[at] ?? Number.POSITIVE_INFINITY)}",${behind}} ${pythonFloat(below)}\n`;
  }
  return `${text}${name}_count{${before},${behind}} ${pythonFloat(below)}\n${name}_sum{${before},${behind}} ${pythonFloat(buckets.sum)}\n`;
}

function labelsOf({ hostname, name, queue }: TaskRow): string {
  return `hostname="${escaped(hostname)}",name="${escaped(name)}",queue_name="${escaped(queue)}"`;
}

function escaped(value: string): string {
  return /["\\\n]/.test(value) ? value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"') : value;
}
