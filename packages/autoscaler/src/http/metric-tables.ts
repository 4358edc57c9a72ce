import type { MetricTable } from '@celeriac/brokers';
import { CELERY_METRICS } from '../celery-metrics/celery-table.ts';
import { AUTOSCALER_METRICS } from './tables/autoscaler-table.ts';
import { DECISION_METRICS } from './tables/decision-table.ts';
import { EVENT_METRICS } from './tables/events-table.ts';
import { KEDA_BUILD_METRICS, KEDA_METRICS, KEDA_NAMED_METRICS } from './tables/keda-table.ts';
import { POOL_METRICS } from './tables/pool-table.ts';
import { BROKER_METRICS, QUEUE_METRICS } from './tables/queue-table.ts';
import { SIZE_METRICS } from './tables/size-table.ts';

/** Some tables and where they come from. */
export interface MetricTables {
  readonly title: string;
  /** Which page shows them, and when. */
  readonly where: string;
  readonly tables: readonly MetricTable[];
}

/** Every metric that an autoscaler exports: docs/metrics.md is made from these. */
export const AUTOSCALER_METRIC_TABLES: readonly MetricTables[] = [
  { title: 'The autoscaler itself', where: '`/metrics` of the autoscaler', tables: [AUTOSCALER_METRICS] },
  { title: 'Pools', where: '`/metrics` of the autoscaler that leads', tables: [POOL_METRICS, SIZE_METRICS, DECISION_METRICS] },
  { title: 'Queues and the broker', where: '`/metrics` of the autoscaler that leads', tables: [QUEUE_METRICS, BROKER_METRICS] },
  {
    title: 'Queues, by the events of workers',
    where: '`/metrics` of the autoscaler that leads, with `--celery-metrics`',
    tables: [EVENT_METRICS],
  },
  { title: 'In the shapes of KEDA', where: '`/metrics` of the autoscaler that leads', tables: [KEDA_METRICS] },
  {
    title: "Under KEDA's own names",
    where: '`/metrics` of the autoscaler that leads, with `--keda-metrics`',
    tables: [KEDA_NAMED_METRICS, KEDA_BUILD_METRICS],
  },
  {
    title: "Under celery-exporter's names",
    where: '`/metrics` on the address of `--celery-metrics`, of the autoscaler that leads',
    tables: [CELERY_METRICS],
  },
];
