/** What a worker says of itself on `/metrics`. */
export const WORKER_METRICS = {
  tasks: {
    name: 'celeriac_worker_tasks',
    type: 'gauge',
    labels: ['state'],
    unit: 'tasks',
    help: 'Tasks in hand by state: active, reserved, held or settling.',
  },
  slots: { name: 'celeriac_worker_slots', type: 'gauge', labels: [], unit: 'slots', help: 'Tasks that can run at once.' },
  credit: {
    name: 'celeriac_worker_credit',
    type: 'gauge',
    labels: [],
    unit: 'deliveries',
    help: 'Deliveries that may be held unsettled.',
  },
  connected: {
    name: 'celeriac_worker_broker_connected',
    type: 'gauge',
    labels: [],
    unit: '1',
    help: '1 while the broker connection stands.',
  },
  started: { name: 'celeriac_worker_tasks_started_total', type: 'counter', labels: ['task'], unit: 'runs', help: 'Runs begun.' },
  ended: {
    name: 'celeriac_worker_tasks_ended_total',
    type: 'counter',
    labels: ['task', 'outcome'],
    unit: 'tasks',
    help: 'Settlements by outcome.',
  },
  runtime: {
    name: 'celeriac_worker_task_runtime_seconds_total',
    type: 'counter',
    labels: ['task'],
    unit: 'seconds',
    help: 'Time spent in tasks.',
  },
  quarantined: {
    name: 'celeriac_worker_messages_quarantined_total',
    type: 'counter',
    labels: ['code'],
    unit: 'messages',
    help: 'Messages put away, by code.',
  },
  childExits: {
    name: 'celeriac_worker_child_exits_total',
    type: 'counter',
    labels: ['reason'],
    unit: 'processes',
    help: 'Child processes that are gone, by reason: max-tasks, memory, age, tainted, timeout, terminated, crash, start, fresh or released.',
  },
} as const;
