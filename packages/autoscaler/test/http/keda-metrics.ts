/** A metric of KEDA's operator. */
export interface KedaMetric {
  readonly name: string;
  readonly type: 'gauge' | 'counter';
  readonly labels: readonly string[];
}

const TRIGGER = ['namespace', 'metric', 'scaledObject', 'scaler', 'triggerIndex', 'type'];

/**
 * The metrics of KEDA 2.21's operator that have a meaning here, from pkg/metricscollector/prommetrics.go. Left out: those of ScaledJobs, cloud
 * events, KEDA's HTTP scalers and its gRPC server.
 */
export const kedaMetrics: readonly KedaMetric[] = [
  { name: 'keda_build_info', type: 'gauge', labels: ['version', 'git_commit', 'goversion', 'goos', 'goarch'] },
  { name: 'keda_scaler_active', type: 'gauge', labels: TRIGGER },
  { name: 'keda_scaler_metrics_value', type: 'gauge', labels: TRIGGER },
  { name: 'keda_scaler_metrics_latency_seconds', type: 'gauge', labels: TRIGGER },
  { name: 'keda_scaler_detail_errors_total', type: 'counter', labels: TRIGGER },
  { name: 'keda_scaled_object_paused', type: 'gauge', labels: ['namespace', 'scaledObject'] },
  { name: 'keda_scaled_object_errors_total', type: 'counter', labels: ['namespace', 'scaledObject'] },
  { name: 'keda_trigger_registered_total', type: 'gauge', labels: ['type'] },
  { name: 'keda_resource_registered_total', type: 'gauge', labels: ['type', 'namespace'] },
  { name: 'keda_internal_scale_loop_latency_seconds', type: 'gauge', labels: ['namespace', 'type', 'resource'] },
];
