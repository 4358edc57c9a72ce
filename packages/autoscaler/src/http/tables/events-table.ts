/** What task events say, where they are listened to (`--celery-metrics`). */
export const EVENT_METRICS = {
  received: {
    name: 'celeriac_queue_received_total',
    type: 'counter',
    labels: ['queue'],
    unit: 'tasks',
    help: 'Tasks that workers received from the queue, by their events.',
  },
  completed: {
    name: 'celeriac_queue_completed_total',
    type: 'counter',
    labels: ['queue'],
    unit: 'tasks',
    help: 'Tasks of the queue that succeeded or failed, by their events.',
  },
  wait: {
    name: 'celeriac_queue_wait_seconds',
    type: 'histogram',
    labels: ['queue'],
    unit: 'seconds',
    help: 'From sending a task, or from its ETA, to its start; of tasks whose client sends task-sent events.',
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800],
  },
  taken: {
    name: 'celeriac_events_total',
    type: 'counter',
    labels: [],
    unit: 'events',
    help: 'Events of workers and clients that were read.',
  },
  dropped: {
    name: 'celeriac_events_dropped_total',
    type: 'counter',
    labels: ['reason'],
    unit: 'events',
    help: 'Events that were not counted: no time to read their message (rate), or one series too many (series).',
  },
  series: {
    name: 'celeriac_celery_series',
    type: 'gauge',
    labels: [],
    unit: 'series',
    help: 'Series of tasks that celery_* has.',
  },
} as const;
