import type { Panel, TimeSeries } from '../grafana/panel.ts';
import { oldestAge, perPool, perQueue } from '../queries.ts';

/** One number, small. */
export const stat = (title: string, description: string, expr: string): Panel & { readonly kind: 'stat' } => ({
  kind: 'stat',
  title,
  description,
  unit: 'none',
  width: 3,
  queries: [{ expr, legend: title }],
});

/** Replicas and what they are for: in every dashboard with pools. */
export const replicasAndDepth: TimeSeries = {
  kind: 'timeseries',
  title: 'Replicas and queue depth: $pool',
  description:
    'Replicas wanted, ready and busy (left) over the tasks that wait in all queues of the pool (right, filled). The marks are decisions with their reason.',
  unit: 'suffix: replicas',
  width: 24,
  height: 9,
  steps: true,
  fill: 0,
  queries: [
    { expr: perPool('celeriac_pool_wanted_replicas'), legend: 'wanted' },
    { expr: perPool('celeriac_pool_replicas', [], 'state="ready"'), legend: 'ready' },
    { expr: perPool('celeriac_pool_busy_replicas'), legend: 'busy' },
    { expr: perPool('celeriac_pool_ready_tasks'), legend: 'tasks waiting' },
  ],
  overrides: [
    { series: 'wanted', color: 'orange', dashed: true },
    { series: 'ready', color: 'green' },
    { series: 'busy', color: 'blue' },
    { series: 'tasks waiting', color: 'purple', axis: 'right', unit: 'suffix: tasks', fill: 15 },
  ],
};

/** How long tasks have waited, beside what was set as the goal. */
export const oldestAges: TimeSeries = {
  kind: 'timeseries',
  title: 'Age of the oldest task',
  description: 'How long the oldest task of each queue has waited, and the goal that was set for it (dashed).',
  unit: 's',
  width: 12,
  queries: [
    { expr: oldestAge, legend: '{{queue}}' },
    { expr: perQueue('celeriac_queue_wait_goal_seconds'), legend: '{{queue}} goal' },
  ],
  overrides: [{ series: / goal$/, dashed: true }],
};
