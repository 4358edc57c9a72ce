import type { MetricMakers } from './metric-makers.ts';
import type { MetricsPart, MetricsSource } from './metrics-part.ts';
import { BROKER_METRICS, QUEUE_METRICS } from './tables/queue-table.ts';

/** What waits in each queue and what was put away, and what the broker does when its memory is full. */
export function createQueueMetrics(makers: MetricMakers, autoscaler: MetricsSource): MetricsPart {
  const { ready, goal, quarantined } = makers.make(QUEUE_METRICS);
  const { policy, evicts } = makers.make(BROKER_METRICS);
  return {
    observe: () => undefined,
    write(pools) {
      // One that stands by says nothing of the broker, either: it would count twice.
      const facts = autoscaler.lease.held ? autoscaler.brokerFacts : undefined;
      if (facts?.memoryPolicy != null) {
        policy.set({ policy: facts.memoryPolicy }, 1);
        evicts.set({}, facts.memoryPolicy === 'noeviction' ? 0 : 1);
      }
      for (const { pool, spec, seen } of pools.values()) {
        for (const { name, ready: depth } of seen.queues) if (depth.kind === 'reading') ready.set({ pool, queue: name }, depth.value);
        for (const { name, waitGoalMs } of spec.queues) {
          goal.set({ pool, queue: name }, waitGoalMs / 1_000);
          const length = facts?.quarantined.get(name);
          if (length !== undefined) quarantined.set({ pool, queue: name }, length);
        }
      }
    },
  };
}
