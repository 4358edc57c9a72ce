// What is made for celery-exporter: Grafana 17508, 17509 and 14015 and the alerts of the celery-mixin. Their texts are not in this
// repository; these are queries of our own of the same shapes, over every metric, label and matcher that they use
// (danihodovic/celery-exporter, celery-mixin/dashboards_out and prometheus_alerts.yaml). CELERIAC_GRAFANA_DASHBOARDS names a folder of
// dashboards to be asked themselves.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PanelFile } from './dashboard-file.ts';

const EVENTS = ['received', 'started', 'succeeded', 'failed', 'retried', 'rejected', 'revoked'] as const;
/** The matchers of 17508 and 17509, with a Prometheus that has no label `cluster`, and those of 14015. */
const MIXIN = 'cluster="",namespace="app",job=~"celery-exporter"';
const OLDER = 'job=~"celery|celery-exporter"';

/** Queries that have an answer wherever celery-exporter is scraped under the job `celery-exporter`. */
export const EXPORTER_QUERIES: readonly string[] = [
  ...[MIXIN, OLDER].flatMap((from) => [
    `count(celery_worker_up{${from},queue_name!~"None"} == 1)`,
    `sum(celery_worker_tasks_active{${from},queue_name!~"None"})`,
    `count(group by (queue_name) (celery_queue_length{${from},queue_name!~"None"}))`,
    `topk(10, sum by (queue_name) (celery_queue_length{${from},queue_name!~"None"}))`,
    ...['sent', ...EVENTS].map(
      (event) => `sum by (name) (round(increase(celery_task_${event}_total{${from},queue_name!~"None",name!~"None"}[1w])))`,
    ),
    `topk(10, sum by (queue_name) (rate(celery_task_received_total{${from},queue_name!~"None"}[6h])))`,
    `round(sum by (name, exception) (increase(celery_task_failed_total{${from},queue_name=~".+",name=~"shop.fail"}[1w])))`,
    `sum by (name) (rate(celery_task_runtime_sum{${from}}[1d])) / sum by (name) (rate(celery_task_runtime_count{${from}}[1d])) > 0`,
    ...[0.5, 0.95, 0.99].map((q) => `histogram_quantile(${q}, sum by (name, job, le) (irate(celery_task_runtime_bucket{${from}}[1d])))`),
  ]),
  // the alerts
  'sum by (job, namespace, queue_name, name) (increase(celery_task_failed_total{job=~".*celery.*",queue_name!~"None",name!~"None"}[10m]))',
  'sum by (job, namespace, queue_name) (celery_queue_length{job=~".*celery.*",queue_name!~"None"})',
  'celery_worker_up{job=~".*celery.*"} == 1',
];

/** A dashboard of others: panels may lie in rows of the older format. */
export interface ForeignDashboard {
  readonly title: string;
  readonly panels?: readonly PanelFile[];
  readonly rows?: readonly { readonly panels: readonly PanelFile[] }[];
}

/** Dashboards of the folder that CELERIAC_GRAFANA_DASHBOARDS names; none without it. */
export function foreignDashboards(): readonly ForeignDashboard[] {
  const folder = process.env['CELERIAC_GRAFANA_DASHBOARDS'];
  if (folder === undefined) return [];
  const names = readdirSync(folder).filter((name) => name.endsWith('.json'));
  return names.map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as ForeignDashboard);
}
