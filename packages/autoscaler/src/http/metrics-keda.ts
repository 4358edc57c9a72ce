import type { PoolTick } from '../loop/pool-loop.ts';
import type { Labels, MetricMakers, Written } from './metric-makers.ts';
import type { MetricsIdentity, MetricsPart, MetricsSource } from './metrics-part.ts';

/** KEDA names its scalers by their Go type; dashboards know them (pkg/metricscollector/prommetrics.go). */
const SCALERS: Readonly<Record<string, readonly [scaler: string, metric: string]>> = {
  redis: ['redisScaler', 'redis'],
  amqp: ['rabbitMQScaler', 'rabbitmq'],
};

interface Family {
  readonly active: Written;
  readonly value: Written;
  readonly latency: Written;
  readonly detailErrors: Written;
  readonly errors: Written;
  readonly paused: Written;
  readonly triggers: Written;
  readonly resources: Written;
  readonly loop: Written;
}

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
  const families = ['celeriac', ...(identity.kedaNames === true ? ['keda'] : [])].map((prefix) => familyOf(makers, prefix));
  const kedaBuild =
    identity.kedaNames === true ? makers.gauge('keda_build_info', 'Always 1; of Celeriac, which exports the names of KEDA.') : undefined;
  const [scaler, prefix] = SCALERS[identity.broker] ?? [`${identity.broker}Scaler`, identity.broker];
  const failures = new Map<string, Failures>();

  const writeQueues = (family: Family, tick: PoolTick, namespace: string): void => {
    const failed = failures.get(tick.pool);
    for (const [index, { name, ready }] of tick.seen.queues.entries()) {
      const labels: Labels = {
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
      const labels: Labels = { namespace, scaledObject: tick.pool };
      family.errors.set(labels, failures.get(tick.pool)?.turns ?? 0);
      family.paused.set(labels, tick.seen.orders.pause === null && tick.spec.pause === null ? 0 : 1);
      family.loop.set({ namespace, type: 'scaledobject', resource: tick.pool }, tick.tookMs / 1_000);
    }
    family.triggers.set({ type: prefix }, queues);
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

function familyOf(makers: MetricMakers, prefix: string): Family {
  const gauge = (name: string, help: string): Written => makers.gauge(`${prefix}_${name}`, help);
  const counter = (name: string, help: string): Written => makers.counter(`${prefix}_${name}`, help);
  return {
    active: gauge('scaler_active', '1 where the queue has tasks waiting.'),
    value: gauge('scaler_metrics_value', 'Tasks waiting in the queue.'),
    latency: gauge('scaler_metrics_latency_seconds', 'How long the broker took to say how many wait.'),
    detailErrors: counter('scaler_detail_errors_total', 'Readings of the queue that failed.'),
    errors: counter('scaled_object_errors_total', 'Turns of the pool in which a needed signal was missing.'),
    paused: gauge('scaled_object_paused', '1 where the pool is paused, in one direction or in both.'),
    triggers: gauge('trigger_registered_total', 'Queues watched, by the kind of broker.'),
    resources: gauge('resource_registered_total', 'Pools scaled.'),
    loop: gauge('internal_scale_loop_latency_seconds', 'How long the last turn of the pool took.'),
  };
}
