// Plain data for tests of the pure parts.

import { noOrders, type PoolSeen, type ReplicaSeen } from '../src/decide/seen.ts';
import type { PoolSpec } from '../src/decide/spec.ts';
import { initialPoolState, type PoolState } from '../src/decide/state.ts';
import { reading, unavailable } from '../src/window/sample.ts';

export const NOW = 1_000_000;

export function spec(changes: Partial<PoolSpec> = {}): PoolSpec {
  return {
    pool: 'default',
    queues: [{ name: 'celery', waitGoalMs: 10_000 }],
    slotsPerReplica: 4,
    mode: 'on',
    pause: null,
    fixed: null,
    min: 0,
    max: 20,
    idleToZeroMs: 300_000,
    downDelayMs: 120_000,
    fallback: null,
    maxUpStep: null,
    maxPending: null,
    expectedServiceMs: 1_000,
    expectedColdStartMs: 2_000,
    headroom: 0,
    keepWarm: 0,
    ...changes,
  };
}

/** A replica whose last heartbeat, at NOW, said that it is idle. */
export function replica(id: string, changes: Partial<ReplicaSeen> = {}): ReplicaSeen {
  return {
    id,
    nodename: `${id}@host`,
    phase: 'ready',
    why: null,
    startedAtMs: NOW - 60_000,
    onlineAtMs: NOW - 59_000,
    slots: 4,
    active: reading(0, NOW),
    reserved: reading(0, NOW),
    scheduled: reading(0, NOW),
    processed: 0,
    processedAtFirst: 0,
    cordoned: false,
    ...changes,
  };
}

export function seen(ready: number | null, replicas: readonly ReplicaSeen[] = [], changes: Partial<PoolSeen> = {}): PoolSeen {
  return {
    queues: [{ name: 'celery', ready: ready === null ? unavailable('connection refused', NOW - 5_000) : reading(ready, NOW) }],
    nextDueMs: reading(null, NOW),
    replicas: reading(replicas, NOW),
    growth: { kind: 'open' },
    orders: noOrders,
    schedule: null,
    grant: null,
    hold: null,
    ...changes,
  };
}

/** A state in which nothing holds a shrink back: long idle, an empty window, everything seen before. */
export function restedState(replicas: readonly ReplicaSeen[] = [], changes: Partial<PoolState> = {}): PoolState {
  return {
    ...initialPoolState(NOW - 3_600_000),
    decidedAtMs: NOW - 1_000,
    zeroReadings: 10,
    replicas: replicas.length,
    timed: replicas.map((one) => one.id),
    coldStart: { meanMs: 1_000, deviationMs: 0, count: 5 },
    ...changes,
  };
}

export function replicas(count: number, changes: Partial<ReplicaSeen> = {}): readonly ReplicaSeen[] {
  return Array.from({ length: count }, (_, index) => replica(`r${index + 1}`, changes));
}
