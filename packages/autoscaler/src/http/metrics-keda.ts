import type { PoolTick } from '../loop/pool-loop.ts';
import type { Made, MetricMakers } from './metric-makers.ts';
import type { MetricsIdentity, MetricsPart, MetricsSource } from './metrics-part.ts';
import { KEDA_BUILD_METRICS, KEDA_METRICS, KEDA_NAMED_METRICS } from './tables/keda-table.ts';

/** KEDA names its scalers by their Go type; dashboards know them (pkg/metricscollector/prommetrics.go). */
const SCALERS: Readonly<Record<string, readonly [scaler: string, metric: string]>> = {
  redis: ['redisScaler', 'redis'],
  amqp: ['rabbitMQScaler', 'rabbitmq'],
};

type Family = { readonly [Key in keyof typeof KEDA_METRICS]: Made<(typeof KEDA_METRICS)[Key]> };

/** What is counted for one pool: readings that failed, by queue, and turns in which one did. */
interface Failures {
  readonly byQueue: Map<string, number>;
  turns: number;
}

/**
 * The metrics of KEDA's operator with its names and labels (pkg/metricscollector/prommetrics.go): a pool stands for a ScaledObject, a
 * queue for a trigger. Under `celeriac_`, and under `keda_` where that is asked for.
 */
export function createKedaMetrics(makers: MetricMakers, autoscaler: MetricsSource, identity: MetricsIdentity): MetricsPart {
  const families: readonly Family[] = [
    makers.make(KEDA_METRICS),
    ...(identity.kedaNames === true ? [makers.make(KEDA_NAMED_METRICS)] : []),
  ];
  const kedaBuild = identity.kedaNames === true ? makers.make(KEDA_BUILD_METRICS).build : undefined;
  const [scaler, prefix] = SCALERS[identity.broker] ?? [`${identity.broker}Scaler`, identity.broker];
  const failures = new Map<string, Failures>();

  const writeQueues = (family: Family, tick: PoolTick, namespace: string): void => {
    const failed = failures.get(tick.pool);
    for (const [index, { name, ready }] of tick.seen.queues.entries()) {
      const labels = {
        namespace,
        metric: `s${index}-${prefix}-${name.replaceAll(/[/.:%()]/g, '-')}`,
        scaledObject: tick.pool,
        scaler,
        triggerIndex: String(index),
        type: 'scaledobject',
      };
      family.latency.set(labels, tick.sampledInMs / 1_000);
      family.detailErrors.set(labels, failed?.byQueue.get(name) ?? 0);
      if (ready.kind === 'unavailable') continue;
      family.value.set(labels, ready.value);
      family.active.set(labels, ready.value > 0 ? 1 : 0);
    }
  };
  const writeFamily = (family: Family, pools: ReadonlyMap<string, PoolTick>): void => {
    const perNamespace = new Map<string, number>();
    let queues = 0;
    for (const tick of pools.values()) {
      const namespace = autoscaler.namespaceOf(tick.pool);
      perNamespace.set(namespace, (perNamespace.get(namespace) ?? 0) + 1);
      queues += tick.seen.queues.length;
      writeQueues(family, tick, namespace);
      const labels = { namespace, scaledObject: tick.pool };
      family.errors.set(labels, failures.get(tick.pool)?.turns ?? 0);
      family.paused.set(labels, tick.seen.orders.pause === null && tick.spec.pause === null ? 0 : 1);
      family.loop.set({ namespace, type: 'scaledobject', resource: tick.pool }, tick.tookMs / 1_000);
    }
    // One that stands by has none.
    if (pools.size > 0) family.triggers.set({ type: prefix }, queues);
    for (const [namespace, count] of perNamespace) family.resources.set({ type: 'scaledobject', namespace }, count);
  };

  return {
    observe(tick) {
      const failed = failures.get(tick.pool) ?? { byQueue: new Map<string, number>(), turns: 0 };
      failures.set(tick.pool, failed);
      for (const { name, ready } of tick.seen.queues) {
        if (ready.kind === 'unavailable') failed.byQueue.set(name, (failed.byQueue.get(name) ?? 0) + 1);
      }
      if (tick.decision.nextState.unknownSinceMs !== null) failed.turns += 1;
    },
    write(pools) {
      for (const pool of failures.keys()) if (!pools.has(pool)) failures.delete(pool);
      for (const family of families) writeFamily(family, pools);
      kedaBuild?.set(
        { version: identity.version, git_commit: '', goversion: process.version, goos: process.platform, goarch: process.arch },
        1,
      );
    },
  };
}
