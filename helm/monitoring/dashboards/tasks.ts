import type { Dashboard } from '../grafana/dashboard.ts';
import type { Row } from '../grafana/panel.ts';
import { quantile } from '../queries.ts';
import { namespaceVariable } from './shared.ts';

const EXPORTER = 'namespace=~"$namespace",job=~"$job"';
const OF_TASKS = `${EXPORTER},queue_name=~"$queue",name=~"$task"`;
const of = (metric: string): string => `${metric}{${OF_TASKS}}`;
const rate = (event: string, by: readonly string[]): string =>
  `sum by (${by.join(', ')}) (rate(${of(`celery_task_${event}_total`)}[$__rate_interval]))`;
const count = (event: string, by: readonly string[] = []): string => {
  const increase = `(increase(${of(`celery_task_${event}_total`)}[$__range]))`;
  return by.length === 0 ? `sum${increase}` : `sum by (${by.join(', ')}) ${increase}`;
};
/**
 * Failures within a time. A counter by exception begins with the first failure, which `increase` does not see. Where it began later than the
 * counter of the task itself its whole value is new; where both began at once a new exporter began to speak, which had counted before.
 */
const failures = (range: string, by: readonly string[] = []): string => {
  const [failed, received] = [of('celery_task_failed_total'), of('celery_task_received_total')].map((series) => `${series}[${range}]`);
  const isNew = `count_over_time(${failed}) < on (namespace, job, instance, hostname, name, queue_name) group_left () count_over_time(${received})`;
  return `sum${by.length === 0 ? '' : ` by (${by.join(', ')}) `}((last_over_time(${failed}) and (${isNew})) or increase(${failed}))`;
};
const meanRuntime = (range: string): string =>
  `sum by (name) (rate(${of('celery_task_runtime_sum')}[${range}])) / sum by (name) (rate(${of('celery_task_runtime_count')}[${range}]))`;

const now: Row = {
  title: 'In this time',
  panels: [
    {
      kind: 'stat',
      title: 'Workers',
      description: 'Workers that are heard of, by what they report under.',
      unit: 'none',
      width: 4,
      queries: [{ expr: `count(celery_worker_up{${EXPORTER}} == 1) or vector(0)`, legend: 'workers' }],
    },
    {
      kind: 'stat',
      title: 'Running now',
      description: 'Tasks that are running, as workers say in their heartbeats.',
      unit: 'none',
      width: 4,
      queries: [{ expr: `sum(celery_worker_tasks_active{${EXPORTER}}) or vector(0)`, legend: 'running' }],
    },
    ...(['received', 'succeeded', 'failed', 'retried'] as const).map((event) => ({
      kind: 'stat' as const,
      title: `Tasks ${event}`,
      description: `Tasks ${event} within the time range.`,
      unit: 'short' as const,
      width: 4,
      ...(event === 'failed' ? { thresholds: ['green', [1, 'orange']] as const } : {}),
      queries: [{ expr: event === 'failed' ? failures('$__range') : count(event), legend: event, instant: true }],
    })),
  ],
};

const rates: Row = {
  title: 'Rates',
  panels: [
    {
      kind: 'timeseries',
      title: 'Tasks by what became of them',
      description: 'Events of all chosen tasks: sent (where producers send that event), received, started, and how they ended.',
      unit: 'cps',
      width: 12,
      queries: ['received', 'started', 'succeeded', 'failed', 'retried', 'rejected', 'revoked'].map((event) => ({
        expr: `sum(rate(${of(`celery_task_${event}_total`)}[$__rate_interval]))`,
        legend: event,
      })),
    },
    {
      kind: 'timeseries',
      title: 'Succeeded by task',
      description: 'Tasks that succeeded, by name.',
      unit: 'cps',
      width: 12,
      stacked: true,
      queries: [{ expr: rate('succeeded', ['name']), legend: '{{name}}' }],
    },
    {
      kind: 'timeseries',
      title: 'Received by queue',
      description: 'Tasks that workers took, by queue.',
      unit: 'cps',
      width: 12,
      stacked: true,
      queries: [{ expr: rate('received', ['queue_name']), legend: '{{queue_name}}' }],
    },
    {
      kind: 'timeseries',
      title: 'Part that failed, by task',
      description: 'Failed tasks as a part of those that ended.',
      unit: 'percentunit',
      width: 12,
      max: 1,
      queries: [
        {
          expr: `${failures('$__rate_interval', ['name'])} / (${failures('$__rate_interval', ['name'])} + sum by (name) (increase(${of('celery_task_succeeded_total')}[$__rate_interval])))`,
          legend: '{{name}}',
        },
      ],
    },
  ],
};

const time: Row = {
  title: 'Time',
  panels: [
    {
      kind: 'timeseries',
      title: 'Run time',
      description:
        'How long tasks that succeeded ran: the median, and what 95 and 99 of 100 stayed below. Bounds of the histogram go up to 10 s.',
      unit: 's',
      width: 12,
      queries: [0.5, 0.95, 0.99].map((q) => ({ expr: quantile(q, of('celery_task_runtime_bucket'), []), legend: `p${q * 100}` })),
    },
    {
      kind: 'timeseries',
      title: 'Mean run time by task',
      description: 'Mean run time of the tasks that succeeded, by name.',
      unit: 's',
      width: 12,
      queries: [{ expr: meanRuntime('$__rate_interval'), legend: '{{name}}' }],
    },
    {
      kind: 'timeseries',
      title: 'Wait before the start',
      description:
        'From the time a task was sent or due until it began, over all chosen tasks. Known of tasks with an ETA, and of all where producers send task-sent events (task_send_sent_event).',
      unit: 's',
      width: 12,
      queries: [0.5, 0.95, 0.99].map((q) => ({ expr: quantile(q, of('celery_task_queue_wait_time_bucket'), []), legend: `p${q * 100}` })),
    },
    {
      kind: 'timeseries',
      title: 'Run time by task, 95 of 100',
      description: 'What 95 of 100 runs of each task stayed below.',
      unit: 's',
      width: 12,
      queries: [{ expr: quantile(0.95, of('celery_task_runtime_bucket'), ['name']), legend: '{{name}}' }],
    },
  ],
};

const failed: Row = {
  title: 'Failures',
  panels: [
    {
      kind: 'timeseries',
      title: 'Failures by exception',
      description:
        'Tasks that failed within the rate interval, by the class of what they raised. The first failure of its kind is among them.',
      unit: 'suffix: tasks',
      width: 12,
      stacked: true,
      queries: [{ expr: failures('$__rate_interval', ['exception']), legend: '{{exception}}' }],
    },
    {
      kind: 'table',
      title: 'Failures in this time',
      description: 'Failed tasks within the time range, by task and exception.',
      unit: 'short',
      width: 12,
      labels: ['name', 'exception'],
      sortBy: 'Failed',
      queries: [{ expr: `round(${failures('$__range', ['name', 'exception'])}) > 0`, legend: 'Failed' }],
    },
    {
      kind: 'table',
      title: 'Tasks in this time',
      description: 'What became of each task within the time range, and its mean run time.',
      unit: 'short',
      width: 24,
      labels: ['name'],
      sortBy: 'Received',
      queries: [
        ...['received', 'succeeded', 'failed', 'retried', 'rejected', 'revoked'].map((event) => ({
          expr: `round(${event === 'failed' ? failures('$__range', ['name']) : count(event, ['name'])})`,
          legend: `${event.charAt(0).toUpperCase()}${event.slice(1)}`,
        })),
        { expr: meanRuntime('$__range'), legend: 'Mean run time' },
      ],
      overrides: [
        { series: 'Mean run time', unit: 's' },
        { series: 'Failed', thresholds: ['text', [1, 'orange']] },
      ],
    },
  ],
};

/** Tasks by name, from Celery's events under the names of celery-exporter: Python's and Node's alike. */
export const tasks: Dashboard = {
  uid: 'celeriac-tasks',
  title: 'Celeriac / Tasks',
  description: 'Rates, run time and failures of tasks, from the events of all workers, in the metrics of celery-exporter.',
  variables: [
    { ...namespaceVariable, series: 'celery_task_received_total' },
    { name: 'job', label: 'Exporter', of: 'job', series: 'celery_task_received_total{namespace=~"$namespace"}', choose: 'many' },
    { name: 'queue', label: 'Queue', of: 'queue_name', series: `celery_task_received_total{${EXPORTER}}`, choose: 'many' },
    { name: 'task', label: 'Task', of: 'name', series: `celery_task_received_total{${EXPORTER},queue_name=~"$queue"}`, choose: 'many' },
  ],
  annotations: [],
  rows: [now, rates, time, failed],
};
