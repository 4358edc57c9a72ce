import type { MetricMakers } from './metric-makers.ts';
import type { MetricsIdentity, MetricsPart, MetricsSource } from './metrics-part.ts';

const TURN_BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/** What the autoscaler says of itself: who leads, its turns, its journal, its calls of the Kubernetes API, its process. */
export function createAutoscalerMetrics(makers: MetricMakers, autoscaler: MetricsSource, identity: MetricsIdentity): MetricsPart {
  const { gauge, counter } = makers;
  const build = gauge('celeriac_build_info', 'Always 1.');
  const leader = gauge('celeriac_leader', '1 while this autoscaler holds the lease, or is the only one.');
  const transitions = counter('celeriac_lease_transitions_total', 'How often the lease was taken or lost.');
  const records = gauge('celeriac_journal_records', 'Records of the journal kept in memory.');
  const workers = gauge('celeriac_workers', 'Workers heard of within ten minutes, whoever they belong to.');
  const requests = counter('celeriac_kubernetes_requests_total', 'Attempts to call the Kubernetes API, by status or `error`.');
  const watchAge = gauge('celeriac_kubernetes_watch_age_seconds', 'How long ago a watch last said anything.');
  const watchSynced = gauge('celeriac_kubernetes_watch_synced', '1 where what is watched is the newest state.');
  const relists = counter('celeriac_kubernetes_relists_total', 'Fresh lists of what is watched.');
  const objects = gauge('celeriac_kubernetes_objects', 'Objects kept of what is watched.');
  const memory = gauge('process_resident_memory_bytes', 'Resident memory size in bytes.');
  const cpu = counter('process_cpu_seconds_total', 'Total user and system CPU time spent in seconds.');
  const started = gauge('process_start_time_seconds', 'Start time of the process since the Unix epoch in seconds.');
  const turns = makers.histogram(
    'celeriac_turn_duration_seconds',
    'How long turns of pools took, the broker included.',
    [],
    TURN_BUCKETS_S,
  );
  const startedAtS = Date.now() / 1_000 - process.uptime();

  return {
    observe: (tick) => turns.observe(tick.tookMs / 1_000),
    write() {
      build.set({ version: identity.version, nodeversion: process.version, platform: process.platform, arch: process.arch }, 1);
      leader.set({}, autoscaler.lease.held ? 1 : 0);
      transitions.set({}, autoscaler.leaseChanges);
      records.set({}, autoscaler.journal.size);
      workers.set({}, autoscaler.workersHeardOf);
      const kubernetes = autoscaler.kubernetes;
      for (const [code, count] of kubernetes?.client.statuses ?? []) requests.set({ code }, count);
      for (const health of kubernetes?.view.health() ?? []) {
        const labels = { namespace: health.namespace, kind: health.kind };
        if (Number.isFinite(health.ageMs)) watchAge.set(labels, health.ageMs / 1_000);
        watchSynced.set(labels, health.synced ? 1 : 0);
        relists.set(labels, health.relists);
        objects.set(labels, health.objects);
      }
      const { user, system } = process.cpuUsage();
      cpu.set({}, (user + system) / 1e6);
      memory.set({}, process.memoryUsage.rss());
      started.set({}, startedAtS);
    },
  };
}
