// What each alert makes of series that a fleet in good order, and one in trouble, would have. Two autoscalers stand for every case: a
// leads and says everything, b stands by.

import type { Input, RuleCase } from './promtool.ts';

const BASE = { namespace: 'app', job: 'celeriac-autoscaler' } as const;
const LABELS = `namespace="app",job="celeriac-autoscaler",instance="a"`;
const of = (metric: string, labels: string, values: string): Input => ({
  series: `${metric}{${LABELS}${labels === '' ? '' : `,${labels}`}}`,
  values,
});
const ofStandby = (metric: string, values: string): Input => ({
  series: `${metric}{namespace="app",job="celeriac-autoscaler",instance="b"}`,
  values,
});
const POOL = 'pool="emails"';
const QUEUE = 'pool="emails",queue="celery"';
const ofPool = { ...BASE, pool: 'emails' } as const;
const ofQueue = { ...ofPool, queue: 'celery' } as const;

export const RULE_CASES: readonly RuleCase[] = [
  {
    name: 'autoscalers that answer',
    alert: 'CeleriacAutoscalerDown',
    series: [of('celeriac_build_info', 'version="1"', '1x20')],
    expect: [{ at: '15m', fires: [] }],
  },
  {
    name: 'autoscalers that went away',
    alert: 'CeleriacAutoscalerDown',
    series: [of('celeriac_build_info', 'version="1"', '1x5 stale _x20'), { series: 'celeriac_build_info{job="other"}', values: '1x30' }],
    expect: [
      { at: '5m', fires: [] },
      { at: '10m30s', fires: [] },
      {
        at: '12m',
        fires: [
          {
            labels: {},
            summary: 'No Celeriac autoscaler answers.',
            description:
              'Prometheus gets no metrics from any autoscaler: pools keep the replicas they have, and those at zero stay at zero.',
          },
        ],
      },
    ],
  },
  {
    name: 'one of two that leads, and a change of leader',
    alert: 'CeleriacNoLeader',
    series: [of('celeriac_leader', '', '1x10 0x20'), ofStandby('celeriac_leader', '0x10 0 1x20')],
    expect: [
      { at: '9m', fires: [] },
      { at: '14m', fires: [] },
      { at: '25m', fires: [] },
    ],
  },
  {
    name: 'two of which none leads',
    alert: 'CeleriacNoLeader',
    series: [of('celeriac_leader', '', '1x5 0x20'), ofStandby('celeriac_leader', '0x30')],
    expect: [
      { at: '7m', fires: [] },
      {
        at: '9m',
        fires: [
          {
            labels: BASE,
            summary: 'No Celeriac autoscaler holds the lease.',
            description: '2 autoscaler(s) of celeriac-autoscaler answer and none of them leads: nothing is scaled.',
          },
        ],
      },
    ],
  },
  {
    name: 'no task killed, over a restart of the autoscaler',
    alert: 'CeleriacTasksKilled',
    series: [of('celeriac_tasks_killed_total', `${POOL},cause="scale-in"`, '0x10 _x2 0x20')],
    expect: [{ at: '30m', fires: [] }],
  },
  {
    name: 'three tasks killed by an eviction',
    alert: 'CeleriacTasksKilled',
    series: [
      of('celeriac_tasks_killed_total', `${POOL},cause="eviction"`, '0x10 3x40'),
      of('celeriac_tasks_killed_total', `${POOL},cause="oom"`, '0x50'),
    ],
    expect: [
      { at: '9m', fires: [] },
      {
        at: '15m',
        fires: [
          {
            labels: { ...ofPool, cause: 'eviction' },
            summary: 'Tasks of pool emails were killed (eviction).',
            description:
              '3 task(s) of pool emails ran when their replica was ended by force within 15 minutes, by eviction. With late acknowledgement they run again; others are lost.',
          },
        ],
      },
      { at: '40m', fires: [] },
    ],
  },
  {
    name: 'a broker that keeps everything',
    alert: 'CeleriacBrokerMayEvict',
    series: [of('celeriac_broker_memory_policy', 'policy="noeviction"', '1x20'), of('celeriac_broker_evicts', '', '0x20')],
    expect: [{ at: '15m', fires: [] }],
  },
  {
    name: 'a broker that may evict',
    alert: 'CeleriacBrokerMayEvict',
    series: [of('celeriac_broker_memory_policy', 'policy="allkeys-lru"', '1x20'), of('celeriac_broker_evicts', '', '1x20')],
    expect: [
      { at: '4m', fires: [] },
      {
        at: '6m',
        fires: [
          {
            labels: { ...BASE, policy: 'allkeys-lru' },
            summary: 'The broker may throw tasks away: its maxmemory-policy is allkeys-lru.',
            description: 'Redis evicts keys under allkeys-lru once its memory is full, and queues are keys. A broker needs noeviction.',
          },
        ],
      },
    ],
  },
  {
    name: 'a wait within its goal, and over it for less than five minutes',
    alert: 'CeleriacQueueWaitOverGoal',
    series: [
      of('celeriac_oldest_task_age_seconds', QUEUE, '10x10 45x3 5x20'),
      of('celeriac_queue_wait_goal_seconds', QUEUE, '30x40'),
      of('celeriac_queue_ready', QUEUE, '12x40'),
    ],
    expect: [
      { at: '13m', fires: [] },
      { at: '16m', fires: [] },
      { at: '30m', fires: [] },
    ],
  },
  {
    name: 'a wait over its goal; another queue within its own, longer one',
    alert: 'CeleriacQueueWaitOverGoal',
    series: [
      of('celeriac_oldest_task_age_seconds', QUEUE, '0+60x20'),
      of('celeriac_queue_wait_goal_seconds', QUEUE, '30x40'),
      of('celeriac_queue_ready', QUEUE, '12x40'),
      of('celeriac_oldest_task_age_seconds', 'pool="emails",queue="slow"', '0+60x20'),
      of('celeriac_queue_wait_goal_seconds', 'pool="emails",queue="slow"', '3600x40'),
    ],
    expect: [
      { at: '5m', fires: [] },
      {
        at: '10m',
        fires: [
          {
            labels: ofQueue,
            summary: 'Tasks in queue celery wait longer than their goal.',
            description:
              'The oldest task of queue celery (pool emails) has waited 10m 0s; the goal is 30s, the alert is for more than 1 times that. 12 task(s) wait.',
          },
        ],
      },
    ],
  },
  {
    name: 'a backlog that grows while the pool may grow, and one that shrinks at max',
    alert: 'CeleriacBacklogAtMax',
    series: [
      of('celeriac_pool_ready_tasks', POOL, '0+10x40'),
      of('celeriac_limited', `${POOL},reason="up-step"`, '1x40'),
      of('celeriac_pool_ready_tasks', 'pool="other"', '1000-10x40'),
      of('celeriac_limited', 'pool="other",reason="max"', '1x40'),
    ],
    expect: [{ at: '30m', fires: [] }],
  },
  {
    name: 'a backlog that grows at max',
    alert: 'CeleriacBacklogAtMax',
    series: [
      of('celeriac_pool_ready_tasks', POOL, '0+10x40'),
      of('celeriac_limited', `${POOL},reason="max"`, '1x40'),
      of('celeriac_pool_replicas_max', POOL, '20x40'),
    ],
    expect: [
      { at: '9m', fires: [] },
      {
        at: '20m',
        fires: [
          {
            labels: ofPool,
            summary: 'The backlog of pool emails grows, and the pool may not.',
            description:
              'The queues of pool emails grow by 10 task(s) a minute and hold 200; it wants more replicas than its max (20) or its budget allows.',
          },
        ],
      },
    ],
  },
  {
    name: 'replicas that are stuck for a moment, and a crash loop, which has an alert of its own',
    alert: 'CeleriacPoolStuck',
    series: [
      of('celeriac_stuck_replicas', `${POOL},reason="Unschedulable"`, '_x5 2x3 stale'),
      of('celeriac_stuck_replicas', `${POOL},reason="CrashLoopBackOff"`, '1x30'),
    ],
    expect: [
      { at: '8m', fires: [] },
      { at: '20m', fires: [] },
    ],
  },
  {
    name: 'replicas without an image',
    alert: 'CeleriacPoolStuck',
    series: [of('celeriac_stuck_replicas', `${POOL},reason="ImagePullBackOff"`, '3x30')],
    expect: [
      { at: '4m', fires: [] },
      {
        at: '6m',
        fires: [
          {
            labels: { ...ofPool, reason: 'ImagePullBackOff' },
            summary: 'Replicas of pool emails are stuck: ImagePullBackOff.',
            description:
              '3 replica(s) of pool emails will neither come up nor go by themselves: ImagePullBackOff. They are not counted as capacity, and the pool does not grow beyond them.',
          },
        ],
      },
    ],
  },
  {
    name: 'children that are recycled, and few that crash',
    alert: 'CeleriacWorkersCrashLooping',
    series: [
      { series: 'celeriac_worker_child_exits_total{namespace="app",job="workers",pool="emails",reason="max-tasks"}', values: '0+10x30' },
      { series: 'celeriac_worker_child_exits_total{namespace="app",job="workers",pool="emails",reason="crash"}', values: '0x10 2x30' },
      of('celeriac_stuck_replicas', `${POOL},reason="ImagePullBackOff"`, '3x30'),
    ],
    expect: [
      { at: '12m', fires: [] },
      { at: '25m', fires: [] },
    ],
  },
  {
    name: 'children of two workers that crash again and again',
    alert: 'CeleriacWorkersCrashLooping',
    series: ['a', 'b'].map((instance) => ({
      series: `celeriac_worker_child_exits_total{namespace="app",job="workers",instance="${instance}",pool="emails",reason="crash"}`,
      values: '0+1x30',
    })),
    expect: [
      { at: '2m', fires: [] },
      {
        at: '20m',
        fires: [
          {
            labels: { namespace: 'app', pool: 'emails', reason: 'crash' },
            summary: 'Workers of pool emails crash again and again.',
            description: 'Pool emails: 20 child processes have crashed or did not start within 10 minutes.',
          },
        ],
      },
    ],
  },
  {
    name: 'pods in a crash loop',
    alert: 'CeleriacWorkersCrashLooping',
    series: [of('celeriac_stuck_replicas', `${POOL},reason="CrashLoopBackOff"`, '2x30')],
    expect: [
      { at: '1m', fires: [] },
      {
        at: '3m',
        fires: [
          {
            labels: { namespace: 'app', pool: 'emails', reason: 'CrashLoopBackOff' },
            summary: 'Workers of pool emails crash again and again.',
            description: 'Pool emails: 2 replica(s) in CrashLoopBackOff.',
          },
        ],
      },
    ],
  },
  {
    name: 'signals as old as they may be',
    alert: 'CeleriacSignalsStale',
    series: [
      of('celeriac_signal_age_seconds', `${POOL},source="kubernetes"`, '95x30'),
      of('celeriac_signal_age_seconds', `${POOL},source="queues"`, '1x30'),
    ],
    expect: [{ at: '20m', fires: [] }],
  },
  {
    name: 'a broker that has not answered',
    alert: 'CeleriacSignalsStale',
    series: [
      of('celeriac_signal_age_seconds', `${POOL},source="queues"`, '0x10 0+60x10'),
      of('celeriac_signal_age_seconds', `${POOL},source="heartbeats"`, '1x30'),
    ],
    expect: [
      { at: '12m', fires: [] },
      {
        at: '16m',
        fires: [
          {
            labels: { ...ofPool, source: 'queues' },
            summary: 'Pool emails has not been told of its queues for 5m 0s.',
            description:
              'What pool emails knows of its queues is 5m 0s old. Nothing is decided by what is not known: it holds its replicas, or runs its fallback.',
          },
        ],
      },
    ],
  },
  {
    name: 'a quarantine that holds old messages, and one that is emptied',
    alert: 'CeleriacQuarantineGrowing',
    series: [of('celeriac_queue_quarantined', QUEUE, '7x60'), of('celeriac_queue_quarantined', 'pool="emails",queue="other"', '9x10 0x50')],
    expect: [
      { at: '20m', fires: [] },
      { at: '50m', fires: [] },
    ],
  },
  {
    name: 'a quarantine that grows',
    alert: 'CeleriacQuarantineGrowing',
    series: [of('celeriac_queue_quarantined', QUEUE, '7x10 9x50')],
    expect: [
      { at: '10m', fires: [] },
      {
        at: '15m',
        fires: [
          {
            labels: ofQueue,
            summary: 'Messages of queue celery go into quarantine.',
            description: '2 message(s) of queue celery were put away within 15 minutes; 9 lie there. They could not or must not run again.',
          },
        ],
      },
      { at: '40m', fires: [] },
    ],
  },
];
