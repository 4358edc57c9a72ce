import type { Dashboard } from '../grafana/dashboard.ts';
import type { Row } from '../grafana/panel.ts';
import { ofAutoscaler, ofPools, ofProcess, perPool, poolIncrease, poolRate } from '../queries.ts';
import { decisionAnnotations, jobVariable, namespaceVariable, poolVariable } from './shared.ts';

const turns = ofAutoscaler('celeriac_turn_duration_seconds_bucket');

const now: Row = {
  title: 'Now',
  panels: [
    {
      kind: 'stat',
      title: 'Leaders',
      description: 'Autoscalers that hold the lease. Exactly one is right: none decides nothing.',
      unit: 'none',
      width: 4,
      thresholds: ['red', [1, 'green'], [2, 'orange']],
      queries: [{ expr: `sum(${ofAutoscaler('celeriac_leader')})`, legend: 'leaders' }],
    },
    {
      kind: 'stat',
      title: 'Autoscalers',
      description: 'Autoscalers that answer, the one that leads among them.',
      unit: 'none',
      width: 4,
      queries: [{ expr: `count(${ofAutoscaler('celeriac_build_info')})`, legend: 'autoscalers' }],
    },
    {
      kind: 'stat',
      title: 'Oldest signal',
      description: 'Age of the oldest reading that any pool decides by. What is missing grows older until it is back.',
      unit: 's',
      width: 4,
      thresholds: ['green', [30, 'orange'], [60, 'red']],
      queries: [{ expr: `max(${ofPools('celeriac_signal_age_seconds')})`, legend: 'oldest' }],
    },
    {
      kind: 'stat',
      title: 'Tasks killed',
      description: 'Tasks that were running when their replica was ended by force, within the time range.',
      unit: 'none',
      width: 4,
      thresholds: ['green', [1, 'red']],
      queries: [{ expr: poolIncrease('celeriac_tasks_killed_total'), legend: 'killed', instant: true }],
    },
    {
      kind: 'stat',
      title: 'Broker evicts',
      description:
        'Whether the memory policy of Redis lets it throw keys away: then tasks get lost. noeviction is right. RabbitMQ has no such policy.',
      unit: 'none',
      width: 4,
      words: { '-1': ['not told', 'text'], '0': ['no', 'green'], '1': ['yes', 'red'] },
      queries: [{ expr: `max(${ofAutoscaler('celeriac_broker_evicts')}) or vector(-1)`, legend: 'evicts' }],
    },
    {
      kind: 'stat',
      title: 'Versions',
      description: 'Versions that run.',
      unit: 'none',
      width: 4,
      names: true,
      queries: [{ expr: `count by (version) (${ofAutoscaler('celeriac_build_info')})`, legend: '{{version}}' }],
    },
  ],
};

const decisions: Row = {
  title: 'Signals and decisions',
  panels: [
    {
      kind: 'timeseries',
      title: 'Signal age',
      description:
        'Age of the oldest reading of each kind: queues (depths), heartbeats (of workers), kubernetes (watches). Nothing is decided by what is missing.',
      unit: 's',
      width: 12,
      queries: [{ expr: perPool('celeriac_signal_age_seconds', ['source']), legend: '{{pool}} {{source}}' }],
    },
    {
      kind: 'timeseries',
      title: 'Errors',
      description: 'Turns of pools in which a needed signal was missing, and readings of queues that failed.',
      unit: 'cps',
      width: 12,
      queries: [
        {
          expr: `sum by (scaledObject) (rate(${ofAutoscaler('celeriac_scaled_object_errors_total', 'scaledObject=~"$pool"')}[$__rate_interval]))`,
          legend: '{{scaledObject}}: turns',
        },
        {
          expr: `sum by (scaledObject, metric) (rate(${ofAutoscaler('celeriac_scaler_detail_errors_total', 'scaledObject=~"$pool"')}[$__rate_interval]))`,
          legend: '{{scaledObject}}: {{metric}}',
        },
      ],
    },
    {
      kind: 'state-timeline',
      title: 'Who leads',
      description: 'Which autoscaler held the lease.',
      unit: 'none',
      width: 12,
      words: { '0': ['stands by', 'light-blue'], '1': ['leads', 'green'] },
      queries: [{ expr: ofAutoscaler('celeriac_leader'), legend: '{{instance}}' }],
    },
    {
      kind: 'timeseries',
      title: 'Changes of the lease',
      description: 'How often the lease was taken or lost within the time range, by autoscaler.',
      unit: 'none',
      width: 12,
      steps: true,
      queries: [{ expr: ofAutoscaler('celeriac_lease_transitions_total'), legend: '{{instance}}' }],
    },
    {
      kind: 'timeseries',
      title: 'Turn time',
      description: 'How long turns of pools took, the broker included: the median, and what 99 of 100 stayed below.',
      unit: 's',
      width: 12,
      queries: [0.5, 0.99].map((q) => ({
        expr: `histogram_quantile(${q}, sum by (le) (rate(${turns}[$__rate_interval])))`,
        legend: `p${q * 100}`,
      })),
    },
    {
      kind: 'timeseries',
      title: 'Time of the last turn and of the broker',
      description: "How long each pool's last turn took, and how long the broker took to say how many tasks wait.",
      unit: 's',
      width: 12,
      queries: [
        {
          expr: `max by (resource) (${ofAutoscaler('celeriac_internal_scale_loop_latency_seconds', 'resource=~"$pool"')})`,
          legend: '{{resource}}: turn',
        },
        {
          expr: `max by (scaledObject) (${ofAutoscaler('celeriac_scaler_metrics_latency_seconds', 'scaledObject=~"$pool"')})`,
          legend: '{{scaledObject}}: broker',
        },
      ],
    },
    {
      kind: 'timeseries',
      title: 'Decisions that changed replicas',
      description: 'Decisions that changed the number of replicas, by direction. Many of both are flapping: see downDelay.',
      unit: 'cps',
      width: 12,
      queries: [{ expr: poolRate('celeriac_scaler_decisions_total', ['pool', 'direction']), legend: '{{pool}} {{direction}}' }],
    },
    {
      kind: 'timeseries',
      title: 'Writes of replicas',
      description:
        'How writes of the number of replicas ended: refused is for want of a right, conflict because somebody else had written.',
      unit: 'cps',
      width: 12,
      queries: [{ expr: poolRate('celeriac_scale_writes_total', ['result']), legend: '{{result}}' }],
    },
    {
      kind: 'timeseries',
      title: 'Tasks killed by cause',
      description: 'Tasks that were running when their replica was ended by force, added up since the autoscaler that leads began.',
      unit: 'suffix: tasks',
      width: 12,
      steps: true,
      stacked: true,
      queries: [{ expr: `sum by (cause) (${perPool('celeriac_tasks_killed_total', ['cause'])})`, legend: '{{cause}}' }],
    },
    {
      kind: 'table',
      title: 'Pools in this time',
      description: 'Decisions, wrong victims and killed tasks of each pool within the time range.',
      unit: 'short',
      width: 12,
      labels: ['pool'],
      sortBy: 'Decisions',
      queries: [
        { expr: `round(${poolIncrease('celeriac_scaler_decisions_total', ['pool'])})`, legend: 'Decisions' },
        { expr: `round(${poolIncrease('celeriac_wrong_victims_total', ['pool'])})`, legend: 'Wrong victims' },
        { expr: `round(${poolIncrease('celeriac_tasks_killed_total', ['pool'])})`, legend: 'Tasks killed' },
      ],
      overrides: [{ series: /Wrong victims|Tasks killed/, thresholds: ['text', [1, 'red']] }],
    },
  ],
};

const kubernetes: Row = {
  title: 'Kubernetes API',
  panels: [
    {
      kind: 'timeseries',
      title: 'Watch age',
      description:
        'How long ago each watch last said anything; bookmarks come about once a minute. It is listed afresh when it falls silent.',
      unit: 's',
      width: 8,
      queries: [{ expr: ofAutoscaler('celeriac_kubernetes_watch_age_seconds'), legend: '{{instance}} {{kind}}' }],
    },
    {
      kind: 'timeseries',
      title: 'API requests',
      description: 'Attempts to call the Kubernetes API, by status; error where none came back.',
      unit: 'reqps',
      width: 8,
      queries: [
        { expr: `sum by (code) (rate(${ofAutoscaler('celeriac_kubernetes_requests_total')}[$__rate_interval]))`, legend: '{{code}}' },
      ],
    },
    {
      kind: 'timeseries',
      title: 'Watches out of step, and fresh lists',
      description: 'Watches whose objects are not known to be the newest, and lists made afresh since the start.',
      unit: 'none',
      width: 8,
      steps: true,
      queries: [
        { expr: `sum by (kind) (1 - ${ofAutoscaler('celeriac_kubernetes_watch_synced')})`, legend: '{{kind}}: out of step' },
        { expr: `sum by (kind) (${ofAutoscaler('celeriac_kubernetes_relists_total')})`, legend: '{{kind}}: lists' },
      ],
      overrides: [{ series: /: lists$/, axis: 'right', dashed: true }],
    },
    {
      kind: 'timeseries',
      title: 'Objects kept',
      description: 'Objects of what is watched that the autoscaler keeps in memory, reduced to what it needs.',
      unit: 'suffix: objects',
      width: 8,
      queries: [{ expr: ofAutoscaler('celeriac_kubernetes_objects'), legend: '{{instance}} {{kind}}' }],
    },
  ],
};

const itself: Row = {
  title: 'The process',
  panels: [
    {
      kind: 'timeseries',
      title: 'Memory',
      description: 'Resident memory of each autoscaler.',
      unit: 'bytes',
      width: 8,
      queries: [{ expr: ofProcess(ofAutoscaler('process_resident_memory_bytes')), legend: '{{instance}}' }],
    },
    {
      kind: 'timeseries',
      title: 'CPU',
      description: 'Cores that each autoscaler uses.',
      unit: 'suffix: cores',
      width: 8,
      queries: [{ expr: ofProcess(`rate(${ofAutoscaler('process_cpu_seconds_total')}[$__rate_interval])`), legend: '{{instance}}' }],
    },
    {
      kind: 'timeseries',
      title: 'Journal and workers heard of',
      description: 'Records of decisions kept in memory, and workers heard of within ten minutes, whoever they belong to.',
      unit: 'short',
      width: 8,
      queries: [
        { expr: ofAutoscaler('celeriac_journal_records'), legend: '{{instance}} records' },
        { expr: ofAutoscaler('celeriac_workers'), legend: '{{instance}} workers' },
      ],
      overrides: [{ series: / workers$/, axis: 'right' }],
    },
  ],
};

/** Whether the autoscaler itself is well. */
export const autoscalerHealth: Dashboard = {
  uid: 'celeriac-autoscaler-health',
  title: 'Celeriac / Autoscaler health',
  description: 'Whether the autoscaler sees, decides and writes: the age of its signals, its errors, its lease, its turns and its calls.',
  variables: [namespaceVariable, jobVariable, poolVariable('many')],
  annotations: decisionAnnotations,
  rows: [now, decisions, kubernetes, itself],
};
