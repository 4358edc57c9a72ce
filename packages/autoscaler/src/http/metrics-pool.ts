import type { ReplicaSeen } from '../decide/seen.ts';
import type { PoolTick } from '../loop/pool-loop.ts';
import { COUNTED } from '../tally/tally.ts';
import { oldestAgeMs, type Sample, valueOr } from '../window/sample.ts';
import { replicasByStage } from './decision-stages.ts';
import type { MetricMakers } from './metric-makers.ts';
import type { MetricsPart, MetricsSource } from './metrics-part.ts';
import { createNewDecisions } from './new-decisions.ts';
import { POOL_METRICS } from './tables/pool-table.ts';

/** Reasons that are words of Kubernetes or of ours; others share one series. */
const REASON = /^[A-Za-z][A-Za-z-]{0,39}$/;

/** What KEDA does not know: tasks and slots of a pool, the stages of its decision, what limits it, what it cost. */
export function createPoolMetrics(makers: MetricMakers, autoscaler: MetricsSource): MetricsPart {
  const { waiting, running, reserved, scheduled, oldest, slots, replicas, stuck, stages, limited, held, age, coldStart, ...counted } =
    makers.make(POOL_METRICS);

  const beganMs = autoscaler.nowMs;
  const timed = new Map<string, ReadonlySet<string>>();
  const newDecisions = createNewDecisions();

  const writeTasks = (tick: PoolTick, known: readonly ReplicaSeen[]): void => {
    const { pool, seen } = tick;
    const { evidence } = tick.decision;
    running.set({ pool }, evidence.active);
    reserved.set({ pool }, evidence.reserved);
    scheduled.set(
      { pool },
      known.reduce((sum, replica) => sum + valueOr(replica.scheduled, 0), 0),
    );
    const depths = seen.queues.flatMap(({ ready }) => (ready.kind === 'reading' ? [ready.value] : []));
    if (depths.length === seen.queues.length) {
      waiting.set(
        { pool },
        depths.reduce((sum, depth) => sum + depth, 0),
      );
    }
    for (const [queue, ageMs] of Object.entries(evidence.headAgeMs)) if (ageMs !== null) oldest.set({ pool, queue }, ageMs / 1_000);
  };
  const writeReplicas = (tick: PoolTick, known: readonly ReplicaSeen[]): void => {
    const { pool } = tick;
    const counts = new Map(['ready', 'starting', 'stuck', 'draining'].map((state) => [state, { replicas: 0, slots: 0 }]));
    const reasons = new Map<string, number>();
    for (const replica of known) {
      const count = counts.get(replica.phase === 'leaving' || replica.cordoned ? 'draining' : replica.phase);
      if (count === undefined) continue;
      count.replicas += 1;
      count.slots += replica.slots ?? tick.decision.evidence.slotsPerReplica;
      const isStuck = replica.phase === 'stuck' || (replica.phase === 'leaving' && replica.why !== null);
      if (isStuck) reasons.set(reasonOf(replica), (reasons.get(reasonOf(replica)) ?? 0) + 1);
    }
    for (const [state, count] of counts) {
      replicas.set({ pool, state }, count.replicas);
      slots.set({ pool, state }, count.slots);
    }
    for (const [reason, number] of reasons) stuck.set({ pool, reason }, number);
  };
  const writeDecision = ({ pool, decision, seen }: PoolTick): void => {
    for (const [stage, number] of replicasByStage(decision)) stages.set({ pool, stage }, number);
    stages.set({ pool, stage: 'current' }, decision.from);
    for (const { stage } of decision.stages.slice(1)) limited.set({ pool, reason: stage }, 1);
    held.set({ pool }, seen.hold === null ? 0 : 1);
  };
  const writeAges = ({ pool, seen }: PoolTick, known: readonly ReplicaSeen[], nowMs: number): void => {
    const oldestS = (samples: readonly Sample<unknown>[]): number => (oldestAgeMs(nowMs, samples) ?? 0) / 1_000;
    age.set({ pool, source: 'queues' }, oldestS(seen.queues.map(({ ready }) => ready)));
    const beats = known.filter((replica) => replica.phase === 'ready').map(({ active }) => active);
    age.set({ pool, source: 'heartbeats' }, oldestS(beats));
    if (autoscaler.targetKindOf(pool) !== 'kubernetes') return;
    const ageMs = autoscaler.kubernetes?.view.freshness(autoscaler.namespaceOf(pool)).ageMs;
    if (ageMs !== undefined && Number.isFinite(ageMs)) age.set({ pool, source: 'kubernetes' }, ageMs / 1_000);
  };
  const writeCounts = (pool: string): void => {
    const tally = autoscaler.tally.of(pool);
    for (const cause of COUNTED.tasks_killed) counted.killed.set({ pool, cause }, tally.count('tasks_killed', cause));
    for (const result of COUNTED.scale_writes) counted.writes.set({ pool, result }, tally.count('scale_writes', result));
    for (const direction of COUNTED.decisions) counted.decisions.set({ pool, direction }, tally.count('decisions', direction));
    counted.victims.set({ pool }, tally.count('wrong_victims', 'replica'));
  };

  return {
    observe(tick) {
      const { pool, seen } = tick;
      const made = newDecisions.of(tick);
      if (made !== null) autoscaler.tally.of(pool).add('decisions', made.direction);
      const online = valueOr(seen.replicas, []).filter((replica) => replica.onlineAtMs !== null);
      const before = timed.get(pool);
      // A histogram that begins with its first observation has no rate of it.
      if (before === undefined) coldStart.zero({ pool });
      for (const { id, onlineAtMs, startedAtMs } of online) {
        // Who was there before us is heard of late.
        if (before?.has(id) === true || startedAtMs < beganMs || onlineAtMs === null) continue;
        coldStart.observe({ pool }, Math.max(0, onlineAtMs - startedAtMs) / 1_000);
      }
      timed.set(pool, new Set(online.map((replica) => replica.id)));
    },
    write(pools) {
      const { nowMs } = autoscaler;
      for (const pool of timed.keys()) {
        if (pools.has(pool)) continue;
        timed.delete(pool);
        newDecisions.forget(pool);
        coldStart.remove({ pool });
      }
      for (const [pool, tick] of pools) {
        const known = valueOr(tick.seen.replicas, []);
        writeTasks(tick, known);
        writeReplicas(tick, known);
        writeDecision(tick);
        writeAges(tick, known, nowMs);
        writeCounts(pool);
      }
    },
  };
}

function reasonOf({ why }: ReplicaSeen): string {
  const word = why?.split(':', 1)[0] ?? '';
  return REASON.test(word) ? word : 'Other';
}
