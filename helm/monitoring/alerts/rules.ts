import { type AlertRule, SELECTOR, THRESHOLD, WORKERS } from './rule.ts';

// Two autoscalers are scraped and one leads: what both may say is taken once.
const most = (by: string, metric: string, ...labels: readonly string[]): string =>
  `max by (${by}) (${metric}{${[...labels, SELECTOR].join(',')}})`;
const POOL = 'namespace, job, pool';
const QUEUE = `${POOL}, queue`;

/** Another number, within a text: what a query says of the series with these labels of the alert. */
const asked = (format: 'humanize' | 'humanizeDuration', by: 'max' | 'count', metric: string, ...labels: readonly string[]): string => {
  const all = ['namespace', 'job', ...labels];
  const query = `"${by}(${metric}{${all.map((label) => `${label}=%q`).join(',')}})" ${all.map((label) => `$labels.${label}`).join(' ')}`;
  return `{{ with printf ${query} | query }}{{ . | first | value | ${format} }}{{ end }}`;
};

/** Every alert of the chart, the gravest first. */
export const ALERT_RULES: readonly AlertRule[] = [
  {
    name: 'autoscalerDown',
    alert: 'CeleriacAutoscalerDown',
    expr: `absent(celeriac_build_info{${SELECTOR}})`,
    for: '5m',
    severity: 'critical',
    summary: 'No Celeriac autoscaler answers.',
    description: 'Prometheus gets no metrics from any autoscaler: pools keep the replicas they have, and those at zero stay at zero.',
  },
  {
    name: 'noLeader',
    alert: 'CeleriacNoLeader',
    expr: `max by (namespace, job) (celeriac_leader{${SELECTOR}}) < 1`,
    for: '2m',
    severity: 'critical',
    summary: 'No Celeriac autoscaler holds the lease.',
    description: `${asked('humanize', 'count', 'celeriac_leader')} autoscaler(s) of {{ $labels.job }} answer and none of them leads: nothing is scaled.`,
  },
  {
    name: 'tasksKilled',
    alert: 'CeleriacTasksKilled',
    expr: `sum by (${POOL}, cause) (increase(celeriac_tasks_killed_total{${SELECTOR}}[15m])) > ${THRESHOLD}`,
    for: '0s',
    severity: 'critical',
    threshold: 0,
    summary: 'Tasks of pool {{ $labels.pool }} were killed ({{ $labels.cause }}).',
    description:
      '{{ printf "%.0f" $value }} task(s) of pool {{ $labels.pool }} ran when their replica was ended by force within 15 minutes, by {{ $labels.cause }}. With late acknowledgement they run again; others are lost.',
  },
  {
    name: 'brokerMayEvict',
    alert: 'CeleriacBrokerMayEvict',
    expr: `${most('namespace, job, policy', 'celeriac_broker_memory_policy')} == 1 and on (namespace, job) ${most('namespace, job', 'celeriac_broker_evicts')} == 1`,
    for: '5m',
    severity: 'critical',
    summary: 'The broker may throw tasks away: its maxmemory-policy is {{ $labels.policy }}.',
    description: 'Redis evicts keys under {{ $labels.policy }} once its memory is full, and queues are keys. A broker needs noeviction.',
  },
  {
    name: 'queueWaitOverGoal',
    alert: 'CeleriacQueueWaitOverGoal',
    expr: `${most(QUEUE, 'celeriac_oldest_task_age_seconds')} > on (${QUEUE}) ${THRESHOLD} * ${most(QUEUE, 'celeriac_queue_wait_goal_seconds')}`,
    for: '5m',
    severity: 'warning',
    threshold: 1,
    summary: 'Tasks in queue {{ $labels.queue }} wait longer than their goal.',
    description: `The oldest task of queue {{ $labels.queue }} (pool {{ $labels.pool }}) has waited {{ $value | humanizeDuration }}; the goal is ${asked('humanizeDuration', 'max', 'celeriac_queue_wait_goal_seconds', 'pool', 'queue')}, the alert is for more than ${THRESHOLD} times that. ${asked('humanize', 'max', 'celeriac_queue_ready', 'pool', 'queue')} task(s) wait.`,
  },
  {
    name: 'backlogAtMax',
    alert: 'CeleriacBacklogAtMax',
    expr: `60 * max by (${POOL}) (deriv(celeriac_pool_ready_tasks{${SELECTOR}}[10m])) > ${THRESHOLD} and on (${POOL}) ${most(POOL, 'celeriac_limited', 'reason=~"max|budget"')} == 1`,
    for: '10m',
    severity: 'warning',
    threshold: 0,
    summary: 'The backlog of pool {{ $labels.pool }} grows, and the pool may not.',
    description: `The queues of pool {{ $labels.pool }} grow by {{ $value | humanize }} task(s) a minute and hold ${asked('humanize', 'max', 'celeriac_pool_ready_tasks', 'pool')}; it wants more replicas than its max (${asked('humanize', 'max', 'celeriac_pool_replicas_max', 'pool')}) or its budget allows.`,
  },
  {
    name: 'poolStuck',
    alert: 'CeleriacPoolStuck',
    expr: `${most(`${POOL}, reason`, 'celeriac_stuck_replicas', 'reason!="CrashLoopBackOff"')} > ${THRESHOLD}`,
    for: '5m',
    severity: 'warning',
    threshold: 0,
    summary: 'Replicas of pool {{ $labels.pool }} are stuck: {{ $labels.reason }}.',
    description:
      '{{ $value | humanize }} replica(s) of pool {{ $labels.pool }} will neither come up nor go by themselves: {{ $labels.reason }}. They are not counted as capacity, and the pool does not grow beyond them.',
  },
  {
    name: 'workersCrashLooping',
    alert: 'CeleriacWorkersCrashLooping',
    expr: `${most('namespace, pool, reason', 'celeriac_stuck_replicas', 'reason="CrashLoopBackOff"')} > 0 or sum by (namespace, pool, reason) (increase(celeriac_worker_child_exits_total{reason=~"crash|start",${WORKERS}}[10m])) > ${THRESHOLD}`,
    for: '2m',
    severity: 'warning',
    threshold: 5,
    summary: 'Workers of pool {{ $labels.pool }} crash again and again.',
    description:
      'Pool {{ $labels.pool }}: {{ printf "%.0f" $value }} {{ if eq $labels.reason "CrashLoopBackOff" }}replica(s) in CrashLoopBackOff{{ else }}child processes have crashed or did not start within 10 minutes{{ end }}.',
  },
  {
    name: 'signalsStale',
    alert: 'CeleriacSignalsStale',
    expr: `${most(`${POOL}, source`, 'celeriac_signal_age_seconds')} > ${THRESHOLD}`,
    for: '1m',
    severity: 'warning',
    threshold: 120,
    summary: 'Pool {{ $labels.pool }} has not been told of its {{ $labels.source }} for {{ $value | humanizeDuration }}.',
    description:
      'What pool {{ $labels.pool }} knows of its {{ $labels.source }} is {{ $value | humanizeDuration }} old. Nothing is decided by what is not known: it holds its replicas, or runs its fallback.',
  },
  {
    name: 'quarantineGrowing',
    alert: 'CeleriacQuarantineGrowing',
    expr: `max by (${QUEUE}) (delta(celeriac_queue_quarantined{${SELECTOR}}[15m])) > ${THRESHOLD}`,
    for: '1m',
    severity: 'warning',
    threshold: 0,
    summary: 'Messages of queue {{ $labels.queue }} go into quarantine.',
    description: `{{ printf "%.0f" $value }} message(s) of queue {{ $labels.queue }} were put away within 15 minutes; ${asked('humanize', 'max', 'celeriac_queue_quarantined', 'pool', 'queue')} lie there. They could not or must not run again.`,
  },
];
