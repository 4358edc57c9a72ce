/** What waits in each queue, what must not wait longer, and what was put away. */
export const QUEUE_METRICS = {
  ready: {
    name: 'celeriac_queue_ready',
    type: 'gauge',
    labels: ['pool', 'queue'],
    unit: 'tasks',
    help: 'Tasks waiting in the queue, all its priorities; absent while that is not known.',
  },
  goal: {
    name: 'celeriac_queue_wait_goal_seconds',
    type: 'gauge',
    labels: ['pool', 'queue'],
    unit: 'seconds',
    help: 'How long a task may wait in the queue before it begins.',
  },
  quarantined: {
    name: 'celeriac_queue_quarantined',
    type: 'gauge',
    labels: ['pool', 'queue'],
    unit: 'tasks',
    help: 'Messages in the quarantine of the queue, at most half a minute old; absent while that is not known.',
  },
} as const;

/** What the broker does when its memory is full. */
export const BROKER_METRICS = {
  policy: {
    name: 'celeriac_broker_memory_policy',
    type: 'gauge',
    labels: ['policy'],
    unit: '1',
    help: 'Always 1, for the maxmemory-policy of Redis; absent where the broker does not tell one.',
  },
  evicts: {
    name: 'celeriac_broker_evicts',
    type: 'gauge',
    labels: [],
    unit: '1',
    help: '1 where Redis may throw keys away when its memory is full, tasks or results among them; absent where it does not tell.',
  },
} as const;
