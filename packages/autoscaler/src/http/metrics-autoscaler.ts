import type { MetricMakers } from './metric-makers.ts';
import type { MetricsIdentity, MetricsPart, MetricsSource } from './metrics-part.ts';
import { AUTOSCALER_METRICS } from './tables/autoscaler-table.ts';

/** What the autoscaler says of itself: who leads, its turns, its journal, its calls of the Kubernetes API, its process. */
export function createAutoscalerMetrics(makers: MetricMakers, autoscaler: MetricsSource, identity: MetricsIdentity): MetricsPart {
  const { build, leader, transitions, records, workers, requests, watchAge, watchSynced, relists, objects, memory, cpu, started, turns } =
    makers.make(AUTOSCALER_METRICS);
  const startedAtS = Date.now() / 1_000 - process.uptime();

  return {
    observe: (tick) => turns.observe({}, tick.tookMs / 1_000),
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
