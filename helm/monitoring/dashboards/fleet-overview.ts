import type { Dashboard } from '../grafana/dashboard.ts';
import type { Row } from '../grafana/panel.ts';
import { arrivalRate, ofAutoscaler, oldestAge, perPool, perQueue, poolIncrease, quantile, queueRate, stuckByReason } from '../queries.ts';
import { oldestAges, replicasAndDepth, stat } from './panels.ts';
import { decisionAnnotations, jobVariable, namespaceVariable, poolVariable, queueVariable } from './shared.ts';

/** Where a click on the name of a pool leads. */
const POOL_DETAIL = `/d/celeriac-pool-detail?\${__url_time_range}&var-pool=\${__value.raw}`;
const total = (metric: string, ...labels: readonly string[]): string => `sum(${perPool(metric, [], ...labels)})`;
const now: Row = {
  title: 'Now',
  panels: [
    stat('Pools', 'Pools that the leading autoscaler looks after.', `count(${perPool('celeriac_pool_wanted_replicas')})`),
    stat('Tasks waiting', 'Tasks in all queues of the pools, over all priorities.', `sum(${perQueue('celeriac_queue_ready')})`),
    stat('Tasks running', 'Tasks that workers say are running.', total('celeriac_pool_active_tasks')),
    stat('Replicas wanted', 'What the last decisions ask for, all pools together.', total('celeriac_pool_wanted_replicas')),
    stat('Replicas ready', 'Replicas whose worker is heard of and takes tasks.', total('celeriac_pool_replicas', 'state="ready"')),
    {
      ...stat(
        'Replicas stuck',
        'Replicas that will neither come up nor go by themselves.',
        total('celeriac_pool_replicas', 'state="stuck"'),
      ),
      thresholds: ['green', [1, 'red']],
    },
    {
      ...stat(
        'Longest wait over goal',
        'The wait of the oldest task as a part of the goal of its queue, of the queue where it is worst. Above 100 % a task waits longer than promised.',
        `max((${oldestAge}) / on (namespace, pool, queue) ${perQueue('celeriac_queue_wait_goal_seconds')})`,
      ),
      unit: 'percentunit',
      thresholds: ['green', [0.8, 'orange'], [1, 'red']],
    },
    {
      kind: 'stat',
      title: 'Tasks killed',
      description: 'Tasks that were running when their replica was ended by force, within the time range. Nothing but 0 is right.',
      unit: 'none',
      width: 3,
      thresholds: ['green', [1, 'red']],
      queries: [{ expr: poolIncrease('celeriac_tasks_killed_total'), legend: 'killed', instant: true }],
    },
  ],
};

const queues: Row = {
  title: 'Queues',
  panels: [
    {
      kind: 'timeseries',
      title: 'Depth',
      description: 'Tasks that wait in each queue, over all its priorities. What workers have taken and not begun is not counted here.',
      unit: 'suffix: tasks',
      width: 12,
      queries: [{ expr: perQueue('celeriac_queue_ready'), legend: '{{queue}}' }],
    },
    oldestAges,
    {
      kind: 'timeseries',
      title: 'Arrival and completion rate',
      description:
        'Tasks that come into each queue (what workers take and by how much the queue grows), and tasks that succeeded or failed (dashed).',
      unit: 'cps',
      width: 12,
      queries: [
        { expr: arrivalRate, legend: '{{queue}} arriving' },
        { expr: queueRate('celeriac_queue_completed_total'), legend: '{{queue}} completed' },
      ],
      overrides: [{ series: / completed$/, dashed: true }],
    },
    {
      kind: 'timeseries',
      title: 'Wait',
      description:
        'How long tasks waited from the time they were sent or due until they began: the median, and what 95 and 99 of 100 stayed below. Known of tasks with an ETA, and of all where producers send task-sent events (task_send_sent_event).',
      unit: 's',
      width: 12,
      queries: [0.5, 0.95, 0.99].map((q) => ({
        expr: quantile(q, ofAutoscaler('celeriac_queue_wait_seconds_bucket', 'queue=~"$queue"'), ['queue']),
        legend: `{{queue}} p${q * 100}`,
      })),
    },
    {
      kind: 'table',
      title: 'Queues now',
      description: 'Each queue as it is now. Quarantined messages wait for somebody: celeriac quarantine list.',
      unit: 'short',
      width: 24,
      labels: ['pool', 'queue'],
      sortBy: 'Waiting',
      queries: [
        { expr: perQueue('celeriac_queue_ready'), legend: 'Waiting' },
        { expr: oldestAge, legend: 'Oldest' },
        { expr: perQueue('celeriac_queue_wait_goal_seconds'), legend: 'Goal' },
        { expr: perQueue('celeriac_queue_quarantined'), legend: 'Quarantined' },
      ],
      overrides: [
        { series: 'Oldest', unit: 's' },
        { series: 'Goal', unit: 's' },
        { series: 'Quarantined', thresholds: ['text', [1, 'orange']] },
        { series: 'pool', link: { title: 'Pool detail', url: POOL_DETAIL } },
      ],
    },
  ],
};

const pools: Row = {
  title: 'Pools',
  panels: [
    { ...replicasAndDepth, repeat: 'pool' },
    {
      kind: 'table',
      title: 'Pools now',
      description: 'Each pool as it is now. A click on its name opens its details.',
      unit: 'none',
      width: 14,
      labels: ['namespace', 'pool'],
      sortBy: 'Wanted',
      queries: [
        { expr: perPool('celeriac_pool_wanted_replicas'), legend: 'Wanted' },
        { expr: perPool('celeriac_pool_replicas', [], 'state="ready"'), legend: 'Ready' },
        { expr: perPool('celeriac_pool_busy_replicas'), legend: 'Busy' },
        { expr: perPool('celeriac_pool_replicas_min'), legend: 'Min' },
        { expr: perPool('celeriac_pool_replicas_max'), legend: 'Max' },
        { expr: perPool('celeriac_pool_ready_tasks'), legend: 'Waiting' },
        { expr: perPool('celeriac_pool_active_tasks'), legend: 'Running' },
      ],
      overrides: [{ series: 'pool', link: { title: 'Pool detail', url: POOL_DETAIL } }],
    },
    {
      kind: 'timeseries',
      title: 'Stuck replicas',
      description: 'Replicas that will neither come up nor go by themselves, by pool and reason. celeriac explain POOL says more.',
      unit: 'suffix: replicas',
      width: 10,
      steps: true,
      stacked: true,
      queries: [{ expr: stuckByReason, legend: '{{pool}}: {{reason}}' }],
    },
  ],
};

/** Every queue and every pool on one page. */
export const fleetOverview: Dashboard = {
  uid: 'celeriac-fleet-overview',
  title: 'Celeriac / Fleet overview',
  description: 'Queues and worker pools: what waits, who works, and why the number of replicas is what it is.',
  variables: [namespaceVariable, jobVariable, poolVariable('many'), queueVariable],
  annotations: decisionAnnotations,
  rows: [now, pools, queues],
};
