import type { TaskEvents } from '../celery-metrics/serve-celery-metrics.ts';
import type { PoolTick } from '../loop/pool-loop.ts';
import { createMetricMakers } from './metric-makers.ts';
import { createAutoscalerMetrics } from './metrics-autoscaler.ts';
import { createDecisionMetrics } from './metrics-decisions.ts';
import { createEventMetrics } from './metrics-events.ts';
import { createKedaMetrics } from './metrics-keda.ts';
import type { MetricsIdentity, MetricsSource } from './metrics-part.ts';
import { createPoolMetrics } from './metrics-pool.ts';
import { createQueueMetrics } from './metrics-queue.ts';
import { createSizeMetrics } from './metrics-size.ts';

/** Metrics in the text format of Prometheus. */
export interface Metrics {
  readonly contentType: string;
  /** Takes in one turn of a pool. */
  observe(tick: PoolTick): void;
  /** One page of one moment, in pieces. */
  render(): AsyncGenerator<string, void>;
}

/**
 * Names and labels of KEDA's operator under the prefix `celeriac_` (and, if asked for, under its own), and what KEDA does not know: slots,
 * stages of the decision, cold starts, ages of signals, tasks killed. Series of pools that are gone are gone with them.
 * `events` adds what task events say.
 */
export async function createMetrics(autoscaler: MetricsSource, identity: MetricsIdentity, events?: TaskEvents): Promise<Metrics> {
  const makers = createMetricMakers(await import('prom-client'));
  const parts = [
    createAutoscalerMetrics(makers, autoscaler, identity),
    createKedaMetrics(makers, autoscaler, identity),
    createPoolMetrics(makers, autoscaler),
    createSizeMetrics(makers),
    createQueueMetrics(makers, autoscaler),
    ...(events === undefined ? [] : [createEventMetrics(makers, autoscaler, events)]),
    createDecisionMetrics(makers),
  ];
  return {
    contentType: makers.contentType,
    observe(tick) {
      for (const part of parts) part.observe(tick);
    },
    render: () =>
      makers.scrape(() => {
        // What a former leader saw last would stand beside what the present one sees.
        const pools: ReadonlyMap<string, PoolTick> = autoscaler.lease.held ? autoscaler.pools : new Map();
        for (const part of parts) part.write(pools);
      }),
  };
}
