import type { MetricDeclaration, MetricTable } from '@celeriac/brokers';

/** What stands before the names of prom-client's default metrics. */
export const NODE_METRICS_PREFIX = 'celeriac_worker_';

type Row = readonly [name: string, unit: string, help: string, labels?: readonly string[], type?: MetricDeclaration['type']];

const ROWS: readonly Row[] = [
  ['process_cpu_user_seconds_total', 'seconds', 'CPU time in user code.', [], 'counter'],
  ['process_cpu_system_seconds_total', 'seconds', 'CPU time in the system.', [], 'counter'],
  ['process_cpu_seconds_total', 'seconds', 'CPU time, both together.', [], 'counter'],
  ['process_start_time_seconds', 'seconds', 'When the process started, since the epoch.'],
  ['process_resident_memory_bytes', 'bytes', 'Resident memory.'],
  ['process_virtual_memory_bytes', 'bytes', 'Virtual memory (Linux).'],
  ['process_heap_bytes', 'bytes', 'Heap of the process (Linux).'],
  ['process_open_fds', 'descriptors', 'Open file descriptors (Linux).'],
  ['process_max_fds', 'descriptors', 'File descriptors that may be open (Linux).'],
  ['nodejs_eventloop_lag_seconds', 'seconds', 'Lag of the event loop at the scrape.'],
  ['nodejs_eventloop_lag_min_seconds', 'seconds', 'Least lag since the last scrape.'],
  ['nodejs_eventloop_lag_max_seconds', 'seconds', 'Most lag since the last scrape.'],
  ['nodejs_eventloop_lag_mean_seconds', 'seconds', 'Mean lag since the last scrape.'],
  ['nodejs_eventloop_lag_stddev_seconds', 'seconds', 'Standard deviation of the lag.'],
  ['nodejs_eventloop_lag_p50_seconds', 'seconds', 'Lag, 50th percentile.'],
  ['nodejs_eventloop_lag_p90_seconds', 'seconds', 'Lag, 90th percentile.'],
  ['nodejs_eventloop_lag_p99_seconds', 'seconds', 'Lag, 99th percentile.'],
  ['nodejs_active_resources', 'resources', 'What keeps the event loop alive, by type.', ['type']],
  ['nodejs_active_resources_total', 'resources', 'What keeps the event loop alive.'],
  ['nodejs_active_handles', 'handles', 'Open handles of libuv, by class.', ['type']],
  ['nodejs_active_handles_total', 'handles', 'Open handles of libuv.'],
  ['nodejs_active_requests', 'requests', 'Requests of libuv under way, by class.', ['type']],
  ['nodejs_active_requests_total', 'requests', 'Requests of libuv under way.'],
  ['nodejs_heap_size_total_bytes', 'bytes', "Size of V8's heap."],
  ['nodejs_heap_size_used_bytes', 'bytes', "What is used of V8's heap."],
  ['nodejs_external_memory_bytes', 'bytes', "Memory outside V8's heap that objects hold."],
  ['nodejs_heap_space_size_total_bytes', 'bytes', "Size of V8's heap spaces.", ['space']],
  ['nodejs_heap_space_size_used_bytes', 'bytes', "What is used of V8's heap spaces.", ['space']],
  ['nodejs_heap_space_size_available_bytes', 'bytes', "What is free in V8's heap spaces.", ['space']],
  ['nodejs_version_info', '1', 'Version of Node; always 1.', ['version', 'major', 'minor', 'patch']],
  ['nodejs_gc_duration_seconds', 'seconds', 'Garbage collections by kind: major, minor, incremental or weakcb.', ['kind'], 'histogram'],
];

/** The default metrics of prom-client, which makes them itself: declared here for the documents, in short words. */
export const NODE_METRICS: MetricTable = Object.fromEntries(
  ROWS.map(([name, unit, help, labels = [], type = 'gauge']): [string, MetricDeclaration] => [
    name,
    { name: `${NODE_METRICS_PREFIX}${name}`, type, labels, unit, help },
  ]),
);
