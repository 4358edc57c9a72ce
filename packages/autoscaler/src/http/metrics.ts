import type { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Autoscaler } from '../autoscaler.ts';
import type { ReplicaSeen } from '../decide/seen.ts';
import type { PoolTick } from '../loop/pool-loop.ts';
import { valueOr } from '../window/sample.ts';

/** Metrics in the text format of Prometheus. */
export interface Metrics {
  readonly contentType: string;
  /** Takes in one turn of a pool. */
  observe(tick: PoolTick): void;
  render(): Promise<string>;
}

/** What metrics say of the autoscaler itself. */
export interface MetricsIdentity {
  readonly version: string;
  /** `redis`, `amqp` or `memory`. */
  readonly broker: string;
}

/** KEDA names its scalers by their Go type; dashboards know them (pkg/metricscollector/prommetrics.go). */
const SCALERS: Readonly<Record<string, readonly [scaler: string, metric: string]>> = {
  redis: ['redisScaler', 'redis'],
  amqp: ['rabbitMQScaler', 'rabbitmq'],
};
const TRIGGER_LABELS = ['namespace', 'metric', 'scaledObject', 'scaler', 'triggerIndex', 'type'] as const;
const POOL_LABELS = ['namespace', 'scaledObject'] as const;
/** Local pools have no namespace; KEDA's queries want one. */
const NAMESPACE = 'local';

/** Names and labels of KEDA's operator under the prefix `celeriac_`, and what KEDA does not know: slots, stages, cold starts. */
export async function createMetrics(autoscaler: Autoscaler, identity: MetricsIdentity): Promise<Metrics> {
  const prom = await import('prom-client');
  const registry: Registry = new prom.Registry();
  const registers = [registry];
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[]): Gauge<L> =>
    new prom.Gauge({ name: `celeriac_${name}`, help, labelNames, registers });
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[]): Counter<L> =>
    new prom.Counter({ name: `celeriac_${name}`, help, labelNames, registers });

  const buildInfo = gauge('build_info', 'Always 1.', ['version', 'nodeversion', 'platform', 'arch']);
  buildInfo.set({ version: identity.version, nodeversion: process.version, platform: process.platform, arch: process.arch }, 1);
  const active = gauge('scaler_active', '1 where the queue has tasks waiting.', TRIGGER_LABELS);
  const value = gauge('scaler_metrics_value', 'Tasks waiting in the queue.', TRIGGER_LABELS);
  const latency = gauge('scaler_metrics_latency_seconds', 'How long the broker took to say so.', TRIGGER_LABELS);
  const errors = counter('scaler_detail_errors_total', 'Readings that failed.', TRIGGER_LABELS);
  const poolErrors = counter('scaled_object_errors_total', 'Turns in which a needed signal was missing.', POOL_LABELS);
  const paused = gauge('scaled_object_paused', '1 where the pool is paused.', POOL_LABELS);
  const triggers = gauge('trigger_registered_total', 'Queues watched.', ['type']);
  const resources = gauge('resource_registered_total', 'Pools scaled.', ['type', 'namespace']);
  const loop = gauge('internal_scale_loop_latency_seconds', 'How long the last turn took.', ['namespace', 'type', 'resource']);

  const ready = gauge('pool_ready_tasks', 'Tasks waiting in all queues of the pool.', ['pool']);
  const running = gauge('pool_active_tasks', 'Tasks running.', ['pool']);
  const reserved = gauge('pool_reserved_tasks', 'Tasks handed out that have not begun.', ['pool']);
  const slots = gauge('pool_slots', 'Slots by the state of their replica.', ['pool', 'state']);
  const replicas = gauge('decision_replicas', 'Replicas after each stage of the decision.', ['pool', 'stage']);
  const age = gauge('signal_age_seconds', 'Age of the oldest reading of a kind.', ['pool', 'source']);
  const limited = gauge('limited', '1 for the reason that holds the pool.', ['pool', 'reason']);
  const coldStart: Histogram<'pool'> = new prom.Histogram({
    name: 'celeriac_cold_start_seconds',
    help: 'From asking for a replica to hearing of it.',
    labelNames: ['pool'],
    buckets: [0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300],
    registers,
  });
  const [scaler, prefix] = SCALERS[identity.broker] ?? [`${identity.broker}Scaler`, identity.broker];
  const timed = new Map<string, ReadonlySet<string>>();

  const observeQueues = (tick: PoolTick): void => {
    for (const [index, queue] of tick.seen.queues.entries()) {
      const name = queue.name.replaceAll(/[/.:%()]/g, '-');
      const labels = {
        namespace: NAMESPACE,
        metric: `s${index}-${prefix}-${name}`,
        scaledObject: tick.pool,
        scaler,
        triggerIndex: String(index),
        type: 'scaledobject',
      };
      errors.inc(labels, queue.ready.kind === 'unavailable' ? 1 : 0);
      latency.set(labels, tick.sampledInMs / 1_000);
      if (queue.ready.kind === 'unavailable') continue;
      value.set(labels, queue.ready.value);
      active.set(labels, queue.ready.value > 0 ? 1 : 0);
    }
  };
  const observeReplicas = (tick: PoolTick): void => {
    const { evidence } = tick.decision;
    const known = valueOr(tick.seen.replicas, []);
    const total = (test: (replica: ReplicaSeen) => boolean): number =>
      known.filter(test).reduce((sum, replica) => sum + (replica.slots ?? evidence.slotsPerReplica), 0);
    slots.set(
      { pool: tick.pool, state: 'ready' },
      total((replica) => replica.phase === 'ready' && !replica.cordoned),
    );
    slots.set(
      { pool: tick.pool, state: 'draining' },
      total((replica) => replica.phase === 'leaving' || replica.cordoned),
    );
    slots.set(
      { pool: tick.pool, state: 'starting' },
      total((replica) => replica.phase === 'starting'),
    );
    slots.set(
      { pool: tick.pool, state: 'stuck' },
      total((replica) => replica.phase === 'stuck'),
    );
    const before = timed.get(tick.pool) ?? new Set();
    for (const replica of known) {
      if (replica.onlineAtMs === null || before.has(replica.id)) continue;
      coldStart.observe({ pool: tick.pool }, Math.max(0, replica.onlineAtMs - replica.startedAtMs) / 1_000);
    }
    timed.set(tick.pool, new Set(known.filter((replica) => replica.onlineAtMs !== null).map((replica) => replica.id)));
  };
  const observeDecision = (tick: PoolTick): void => {
    const { decision, pool } = tick;
    const { evidence } = decision;
    const labels = { namespace: NAMESPACE, scaledObject: pool };
    poolErrors.inc(labels, decision.nextState.unknownSinceMs === null ? 0 : 1);
    paused.set(labels, decision.reason === 'paused' ? 1 : 0);
    loop.set({ namespace: NAMESPACE, type: 'scaledobject', resource: pool }, tick.tookMs / 1_000);
    running.set({ pool }, evidence.active);
    reserved.set({ pool }, evidence.reserved);
    const depths = Object.values(evidence.ready);
    if (depths.every((depth) => depth !== null))
      ready.set(
        { pool },
        depths.reduce((sum, depth) => sum + depth, 0),
      );
    replicas.set({ pool, stage: 'wish' }, decision.stages[0]?.replicas ?? decision.to);
    replicas.set({ pool, stage: 'applied' }, decision.to);
    replicas.set({ pool, stage: 'current' }, decision.from);
    limited.remove({ pool });
    for (const stage of decision.stages.slice(1)) limited.set({ pool, reason: stage.stage }, 1);
  };
  const observeAges = (): void => {
    for (const [pool, tick] of autoscaler.pools) {
      const nowMs = autoscaler.nowMs;
      const oldest = Math.max(
        0,
        ...tick.seen.queues.map(({ ready: sample }) => nowMs - (sample.kind === 'reading' ? sample.atMs : sample.sinceMs)),
      );
      age.set({ pool, source: 'queues' }, oldest / 1_000);
      const beats = valueOr(tick.seen.replicas, [])
        .filter((replica) => replica.phase === 'ready')
        .map(({ active: sample }) => nowMs - (sample.kind === 'reading' ? sample.atMs : sample.sinceMs));
      age.set({ pool, source: 'heartbeats' }, Math.max(0, ...beats) / 1_000);
    }
  };

  return {
    contentType: registry.contentType,
    observe(tick) {
      observeQueues(tick);
      observeReplicas(tick);
      observeDecision(tick);
    },
    render() {
      observeAges();
      triggers.set(
        { type: prefix },
        [...autoscaler.pools.values()].reduce((sum, tick) => sum + tick.seen.queues.length, 0),
      );
      resources.set({ type: 'scaledobject', namespace: NAMESPACE }, autoscaler.pools.size);
      return registry.metrics();
    },
  };
}
