/** The metrics of KEDA's operator in its shapes (pkg/metricscollector/prommetrics.go), under our prefix. */
export const KEDA_METRICS = {
  active: {
    name: 'celeriac_scaler_active',
    type: 'gauge',
    labels: ['namespace', 'metric', 'scaledObject', 'scaler', 'triggerIndex', 'type'],
    unit: '1',
    help: '1 where the queue has tasks waiting.',
  },
  value: {
    name: 'celeriac_scaler_metrics_value',
    type: 'gauge',
    labels: ['namespace', 'metric', 'scaledObject', 'scaler', 'triggerIndex', 'type'],
    unit: 'tasks',
    help: 'Tasks waiting in the queue.',
  },
  latency: {
    name: 'celeriac_scaler_metrics_latency_seconds',
    type: 'gauge',
    labels: ['namespace', 'metric', 'scaledObject', 'scaler', 'triggerIndex', 'type'],
    unit: 'seconds',
    help: 'How long the broker took to say how many wait.',
  },
  detailErrors: {
    name: 'celeriac_scaler_detail_errors_total',
    type: 'counter',
    labels: ['namespace', 'metric', 'scaledObject', 'scaler', 'triggerIndex', 'type'],
    unit: 'readings',
    help: 'Readings of the queue that failed.',
  },
  errors: {
    name: 'celeriac_scaled_object_errors_total',
    type: 'counter',
    labels: ['namespace', 'scaledObject'],
    unit: 'turns',
    help: 'Turns of the pool in which a needed signal was missing.',
  },
  paused: {
    name: 'celeriac_scaled_object_paused',
    type: 'gauge',
    labels: ['namespace', 'scaledObject'],
    unit: '1',
    help: '1 where the pool is paused, in one direction or in both.',
  },
  triggers: {
    name: 'celeriac_trigger_registered_total',
    type: 'gauge',
    labels: ['type'],
    unit: 'queues',
    help: 'Queues watched, by the kind of broker.',
  },
  resources: {
    name: 'celeriac_resource_registered_total',
    type: 'gauge',
    labels: ['type', 'namespace'],
    unit: 'pools',
    help: 'Pools scaled.',
  },
  loop: {
    name: 'celeriac_internal_scale_loop_latency_seconds',
    type: 'gauge',
    labels: ['namespace', 'type', 'resource'],
    unit: 'seconds',
    help: 'How long the last turn of the pool took.',
  },
} as const;

/** What only KEDA's own names have. */
export const KEDA_BUILD_METRICS = {
  build: {
    name: 'keda_build_info',
    type: 'gauge',
    labels: ['version', 'git_commit', 'goversion', 'goos', 'goarch'],
    unit: '1',
    help: 'Always 1; of Celeriac, which exports the names of KEDA.',
  },
} as const;

/** {@link KEDA_METRICS} with other names. */
export type KedaTable = {
  readonly [Key in keyof typeof KEDA_METRICS]: Omit<(typeof KEDA_METRICS)[Key], 'name'> & { readonly name: string };
};

/** {@link KEDA_METRICS} under KEDA's own prefix. */
export const KEDA_NAMED_METRICS: KedaTable = Object.fromEntries(
  Object.entries(KEDA_METRICS).map(([key, declared]) => [key, { ...declared, name: declared.name.replace(/^celeriac_/, 'keda_') }]),
) as unknown as KedaTable;
