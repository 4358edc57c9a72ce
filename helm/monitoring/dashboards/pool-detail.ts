import type { Dashboard } from '../grafana/dashboard.ts';
import type { Row } from '../grafana/panel.ts';
import { limitedByReason, ofPools, perPool, perQueue, poolIncrease, poolRate, stuckByReason } from '../queries.ts';
import { oldestAges, replicasAndDepth, stat } from './panels.ts';
import { decisionAnnotations, jobVariable, NO_GOOD, namespaceVariable, poolVariable, queueVariable } from './shared.ts';

const byState = (metric: string) => ({ expr: perPool(metric, ['state']), legend: '{{state}}' });
/** Series scraped from the workers of the pool themselves. */
const worker = (metric: string): string => `${metric}{namespace=~"$namespace",pool=~"$pool"}`;

const now: Row = {
  title: 'Now',
  panels: [
    stat('Wanted', 'Replicas that the last decision asks for.', perPool('celeriac_pool_wanted_replicas')),
    stat('Ready', 'Replicas whose worker is heard of and takes tasks.', perPool('celeriac_pool_replicas', [], 'state="ready"')),
    stat('Busy', 'Replicas with a task: running, reserved, or held for later.', perPool('celeriac_pool_busy_replicas')),
    stat('Idle', 'Ready replicas without any task.', perPool('celeriac_pool_idle_replicas')),
    {
      ...stat('Stuck', 'Replicas that will neither come up nor go by themselves.', perPool('celeriac_pool_replicas', [], 'state="stuck"')),
      thresholds: ['green', [1, 'red']],
    },
    stat('Waiting', 'Tasks in all queues of the pool.', perPool('celeriac_pool_ready_tasks')),
    {
      ...stat(
        'Held',
        'Whether the replicas must not be written, as while somebody else writes them. celeriac explain POOL says why.',
        perPool('celeriac_held'),
      ),
      words: NO_GOOD,
    },
    {
      kind: 'stat',
      title: 'Tasks killed',
      description: 'Tasks that were running when their replica was ended by force, within the time range.',
      unit: 'none',
      width: 3,
      thresholds: ['green', [1, 'red']],
      queries: [{ expr: poolIncrease('celeriac_tasks_killed_total', ['pool']), legend: 'killed', instant: true }],
    },
  ],
};

const decisions: Row = {
  title: 'Replicas and decisions',
  panels: [
    { ...replicasAndDepth, title: 'Replicas and queue depth' },
    {
      kind: 'timeseries',
      title: 'Replicas by state',
      description: 'Replicas by state, one on another, between the bounds in force (dashed).',
      unit: 'suffix: replicas',
      width: 12,
      steps: true,
      fill: 30,
      queries: [
        byState('celeriac_pool_replicas'),
        { expr: perPool('celeriac_pool_replicas_min'), legend: 'min' },
        { expr: perPool('celeriac_pool_replicas_max'), legend: 'max' },
      ],
      overrides: [{ series: /^(min|max)$/, dashed: true, color: 'text' }],
    },
    {
      kind: 'timeseries',
      title: 'How the number came about',
      description:
        'The number after each stage of the decision. raw: a slot for every task. slo: what the wait goal asks for. schedule: within the bounds of now. stabilised: after the delays before a shrink. budgeted: what other pools leave. safe: after what must not be lost. limited: after how fast it may grow. applied: what the target is told.',
      unit: 'suffix: replicas',
      width: 12,
      steps: true,
      fill: 0,
      queries: [{ expr: perPool('celeriac_decision_replicas', ['stage']), legend: '{{stage}}' }],
    },
    {
      kind: 'state-timeline',
      title: 'What limits it',
      description:
        'Reasons that changed the wish of the policy: none where it gets what it wishes. They are listed in the guide on autoscaling.',
      unit: 'none',
      width: 12,
      words: { '0': ['no', 'green'], '1': ['yes', 'orange'] },
      queries: [{ expr: limitedByReason, legend: '{{reason}}' }],
    },
    {
      kind: 'timeseries',
      title: 'Stuck replicas by reason',
      description: 'Why replicas do not come up or do not go, in the words of Kubernetes where it says so.',
      unit: 'suffix: replicas',
      width: 12,
      steps: true,
      stacked: true,
      queries: [{ expr: stuckByReason, legend: '{{reason}}' }],
    },
  ],
};

const work: Row = {
  title: 'Work',
  panels: [
    {
      kind: 'timeseries',
      title: 'Demand',
      description:
        'Tasks waiting, handed out but not begun, running, and held by workers for later. Together they are what slots are wanted for.',
      unit: 'suffix: tasks',
      width: 12,
      stacked: true,
      queries: [
        { expr: perPool('celeriac_pool_active_tasks'), legend: 'running' },
        { expr: perPool('celeriac_pool_reserved_tasks'), legend: 'reserved' },
        { expr: perPool('celeriac_pool_ready_tasks'), legend: 'waiting' },
        { expr: perPool('celeriac_pool_scheduled_eta_tasks'), legend: 'for later' },
      ],
    },
    {
      kind: 'timeseries',
      title: 'Slots',
      description: 'Slots by the state of their replica, and how many of them are busy.',
      unit: 'suffix: slots',
      width: 12,
      steps: true,
      queries: [byState('celeriac_pool_slots'), { expr: perPool('celeriac_pool_busy_slots'), legend: 'busy' }],
      overrides: [{ series: 'busy', dashed: true, color: 'blue' }],
    },
    oldestAges,
    {
      kind: 'timeseries',
      title: 'Quarantined messages',
      description: 'Messages in the quarantine of each queue: celeriac quarantine list shows them and why.',
      unit: 'suffix: messages',
      width: 12,
      steps: true,
      queries: [{ expr: perQueue('celeriac_queue_quarantined'), legend: '{{queue}}' }],
    },
    {
      kind: 'timeseries',
      title: 'Cold start',
      description: 'From asking for a replica to hearing of its worker: the median, and what 95 of 100 stayed below.',
      unit: 's',
      width: 12,
      queries: [0.5, 0.95].map((q) => ({
        expr: `histogram_quantile(${q}, sum by (le, namespace, pool) (increase(${ofPools('celeriac_cold_start_seconds_bucket')}[$__range])))`,
        legend: `p${q * 100}`,
      })),
    },
    {
      kind: 'timeseries',
      title: 'Tasks killed and wrong victims',
      description:
        'Tasks that were running when their replica was ended by force, by cause; and replicas that went in place of those a shrink had named.',
      unit: 'cps',
      width: 12,
      queries: [
        { expr: poolRate('celeriac_tasks_killed_total', ['pool', 'cause']), legend: 'killed: {{cause}}' },
        { expr: poolRate('celeriac_wrong_victims_total', ['pool']), legend: 'wrong victims' },
      ],
    },
  ],
};

const workers: Row = {
  title: 'Workers (scraped themselves: Celeriac workers with a PodMonitor)',
  panels: [
    {
      kind: 'timeseries',
      title: 'Tasks in hand',
      description: 'Tasks that the workers of the pool hold, by state.',
      unit: 'suffix: tasks',
      width: 8,
      stacked: true,
      queries: [{ expr: `sum by (state) (${worker('celeriac_worker_tasks')})`, legend: '{{state}}' }],
    },
    {
      kind: 'timeseries',
      title: 'Runs ended',
      description: 'Runs by how they ended, and messages put into quarantine.',
      unit: 'cps',
      width: 8,
      queries: [
        { expr: `sum by (outcome) (rate(${worker('celeriac_worker_tasks_ended_total')}[$__rate_interval]))`, legend: '{{outcome}}' },
        {
          expr: `sum by (code) (rate(${worker('celeriac_worker_messages_quarantined_total')}[$__rate_interval]))`,
          legend: 'quarantined: {{code}}',
        },
      ],
    },
    {
      kind: 'timeseries',
      title: 'Child processes that ended',
      description: 'Processes in which tasks run, by why they ended. Recycled ones are wanted; crashes and limits are not.',
      unit: 'cps',
      width: 8,
      queries: [{ expr: `sum by (reason) (rate(${worker('celeriac_worker_child_exits_total')}[$__rate_interval]))`, legend: '{{reason}}' }],
    },
    {
      kind: 'timeseries',
      title: 'Memory of workers',
      description: 'Resident memory of the worker itself; its children are not counted.',
      unit: 'bytes',
      width: 8,
      queries: [{ expr: worker('celeriac_worker_process_resident_memory_bytes'), legend: '{{instance}}' }],
    },
    {
      kind: 'timeseries',
      title: 'Event loop lag of workers',
      description: 'How late timers of the worker run: 99 of 100 are no later.',
      unit: 's',
      width: 8,
      queries: [{ expr: worker('celeriac_worker_nodejs_eventloop_lag_p99_seconds'), legend: '{{instance}}' }],
    },
    {
      kind: 'timeseries',
      title: 'Workers without a broker',
      description: 'Workers whose connection to the broker does not stand.',
      unit: 'suffix: workers',
      width: 8,
      steps: true,
      queries: [{ expr: `sum(1 - ${worker('celeriac_worker_broker_connected')})`, legend: 'not connected' }],
    },
  ],
};

/** One pool from demand to replicas. */
export const poolDetail: Dashboard = {
  uid: 'celeriac-pool-detail',
  title: 'Celeriac / Pool detail',
  description: 'One pool: its demand, its replicas, and each step from the one to the other.',
  variables: [namespaceVariable, jobVariable, poolVariable('one'), queueVariable],
  annotations: decisionAnnotations,
  rows: [now, decisions, work, workers],
};
