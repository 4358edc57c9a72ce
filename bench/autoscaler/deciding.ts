import { decide } from '../../packages/autoscaler/src/decide/decide.ts';
import { noOrders, type PoolSeen, type ReplicaSeen } from '../../packages/autoscaler/src/decide/seen.ts';
import type { PoolSpec } from '../../packages/autoscaler/src/decide/spec.ts';
import { initialPoolState, type PoolState } from '../../packages/autoscaler/src/decide/state.ts';
import { noScaleIn, type ScaleInState } from '../../packages/autoscaler/src/scale-in/scale-in.ts';
import { step } from '../../packages/autoscaler/src/scale-in/step.ts';
import { reading } from '../../packages/autoscaler/src/window/sample.ts';
import { median } from '../statistics.ts';

/** How long the decisions of many pools take, without what they wait for. */
export interface DecidingFigures {
  readonly pools: number;
  readonly podsEach: number;
  /** Of all pools, once each. */
  readonly tookMs: number;
}

const ROUNDS = 20;
const WARM_UP = 5;

/** Decides for all pools and steps their scale-in, round after round a second later; the median round. */
export function measureDeciding(pools: number, podsEach: number): DecidingFigures {
  const states = Array.from({ length: pools }, (): { pool: PoolState; scaleIn: ScaleInState } => ({
    pool: initialPoolState(0),
    scaleIn: noScaleIn,
  }));
  const specs = states.map((_, index) => specOf(index));
  const tookMs: number[] = [];
  for (let round = 0; round < WARM_UP + ROUNDS; round += 1) {
    const nowMs = 1_000_000 + round * 1_000;
    const seen = specs.map((spec, index) => seenOf(spec, nowMs, podsEach, round + index));
    const beganMs = performance.now();
    for (const [index, spec] of specs.entries()) {
      const state = states[index];
      const ofPool = seen[index];
      if (state === undefined || ofPool === undefined || ofPool.replicas.kind !== 'reading') continue;
      const decision = decide(nowMs, spec, ofPool, state.pool);
      state.pool = decision.nextState;
      const stepped = step(nowMs, state.scaleIn, {
        want: decision.to,
        replicas: ofPool.replicas.value,
        hold: null,
        answers: {},
      });
      state.scaleIn = stepped.state;
    }
    if (round >= WARM_UP) tookMs.push(performance.now() - beganMs);
  }
  return { pools, podsEach, tookMs: median(tookMs) };
}

function specOf(index: number): PoolSpec {
  return {
    pool: `pool-${index}`,
    queues: [
      { name: `queue-${index}`, waitGoalMs: 10_000 },
      { name: `queue-${index}-slow`, waitGoalMs: 60_000 },
    ],
    slotsPerReplica: 2,
    mode: 'on',
    pause: null,
    fixed: null,
    min: 0,
    max: 40,
    idleToZeroMs: 300_000,
    downDelayMs: 120_000,
    fallback: { replicas: 2, afterMs: 60_000 },
    maxUpStep: null,
    maxPending: 20,
    expectedServiceMs: 20_000,
    expectedColdStartMs: 30_000,
    headroom: 0.5,
    keepWarm: 0,
  };
}

function seenOf(spec: PoolSpec, nowMs: number, podsEach: number, salt: number): PoolSeen {
  const waiting = (salt * 7) % 40;
  return {
    queues: spec.queues.map(({ name }, at) => ({ name, ready: reading(at === 0 ? waiting : 0, nowMs) })),
    nextDueMs: reading(null, nowMs),
    replicas: reading(
      Array.from({ length: podsEach }, (_, at) => replicaOf(spec.pool, at, nowMs, salt)),
      nowMs,
    ),
    growth: { kind: 'open' },
    orders: noOrders,
    schedule: null,
    grant: null,
    hold: null,
  };
}

function replicaOf(pool: string, at: number, nowMs: number, salt: number): ReplicaSeen {
  const id = `${pool}-7d9c6c5b5f-${at}`;
  return {
    id,
    nodename: `celery@${id}`,
    phase: 'ready',
    why: null,
    startedAtMs: 100_000,
    onlineAtMs: 120_000,
    slots: 2,
    active: reading((salt + at) % 3, nowMs - 800),
    reserved: reading(0, nowMs - 800),
    scheduled: reading(0, nowMs - 800),
    processed: 100 + Math.floor(salt / 4),
    processedAtFirst: 0,
    cordoned: false,
  };
}
