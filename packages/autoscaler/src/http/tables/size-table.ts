/** The size of a pool: what bounds it, what it is meant to be, what of it works. */
export const SIZE_METRICS = {
  min: {
    name: 'celeriac_pool_replicas_min',
    type: 'gauge',
    labels: ['pool'],
    unit: 'replicas',
    help: 'Replicas kept at least, by the schedule in force.',
  },
  max: {
    name: 'celeriac_pool_replicas_max',
    type: 'gauge',
    labels: ['pool'],
    unit: 'replicas',
    help: 'Replicas at most, by the schedule in force.',
  },
  wanted: {
    name: 'celeriac_pool_wanted_replicas',
    type: 'gauge',
    labels: ['pool'],
    unit: 'replicas',
    help: 'Replicas the last decision wants, whether or not it is carried out.',
  },
  busy: {
    name: 'celeriac_pool_busy_replicas',
    type: 'gauge',
    labels: ['pool'],
    unit: 'replicas',
    help: 'Ready replicas that hold work, or of which nothing is heard.',
  },
  idle: {
    name: 'celeriac_pool_idle_replicas',
    type: 'gauge',
    labels: ['pool'],
    unit: 'replicas',
    help: 'Ready replicas in which nothing runs, the others.',
  },
  busySlots: {
    name: 'celeriac_pool_busy_slots',
    type: 'gauge',
    labels: ['pool'],
    unit: 'slots',
    help: 'Slots of ready replicas in which a task runs; all those of a replica that is silent.',
  },
} as const;
