import type { PoolSpec } from '../decide/spec.ts';
import type { ClusterOptions } from './cluster.ts';
import { fixedScaler } from './fixed.ts';
import { airflowMetrics, kedaMetrics, kedaScaler } from './keda.ts';
import { oursScaler } from './ours.ts';
import type { Scaler } from './scaler.ts';
import { type SimulationResult, simulate } from './simulate.ts';

/** The policies that can be compared. */
export const POLICY_NAMES = ['ours', 'keda', 'airflow', 'fixed'] as const;
export type PolicyName = (typeof POLICY_NAMES)[number];

/** Everything a comparison rests on beside the trace. */
export interface CompareOptions extends ClusterOptions {
  readonly goalMs: number;
  readonly min: number;
  readonly max: number;
  /** Ours, as in pools.yaml. */
  readonly ours: Pick<PoolSpec, 'idleToZeroMs' | 'downDelayMs' | 'keepWarm' | 'headroom' | 'expectedServiceMs' | 'expectedColdStartMs'>;
  readonly keda: {
    readonly trigger: 'llen' | 'in-flight';
    readonly pollMs: number;
    readonly cooldownMs: number;
    readonly target: number;
    readonly stabilisationMs: number;
  };
  /** Pods of the policy `fixed`. */
  readonly fixed: number;
  /** Where in their periods the polls of KEDA and the syncs of the HPA begin. */
  readonly seed: number;
  /** Told how far each policy is, 0 to 1, now and then. */
  readonly onProgress?: (policy: PolicyName, share: number) => void;
}

/** The Airflow chart's own: `workers.keda` in its values.yaml. */
const AIRFLOW = { pollMs: 5_000, cooldownMs: 30_000, stabilisationMs: 300_000 };

/** Replays a trace through each policy. Pure. */
export function comparePolicies(options: CompareOptions, policies: readonly PolicyName[]): readonly SimulationResult[] {
  return policies.map((policy) => {
    const { onProgress, ...rest } = options;
    const scaler = scalerOf(policy, options);
    return simulate(onProgress === undefined ? rest : { ...rest, onProgress: (share) => onProgress(policy, share) }, scaler);
  });
}

/** The pool that `ours` decides for. */
export function simulatedSpec(options: Pick<CompareOptions, 'arrivals' | 'slots' | 'goalMs' | 'min' | 'max' | 'ours'>): PoolSpec {
  return {
    pool: 'simulated',
    queues: [...new Set(options.arrivals.map(({ queue }) => queue))].map((name) => ({ name, waitGoalMs: options.goalMs })),
    slotsPerReplica: options.slots,
    mode: 'on',
    pause: null,
    fixed: null,
    min: options.min,
    max: options.max,
    fallback: null,
    maxUpStep: null,
    maxPending: null,
    ...options.ours,
  };
}

function scalerOf(policy: PolicyName, options: CompareOptions): Scaler {
  const { min, max, seed, keda } = options;
  switch (policy) {
    case 'ours':
      return oursScaler({ name: policy, spec: simulatedSpec(options) });
    case 'keda':
      return kedaScaler({ name: policy, metrics: kedaMetrics(keda.trigger, keda.target), ...keda, min, max, seed });
    case 'airflow':
      return kedaScaler({ name: policy, metrics: airflowMetrics(options.slots), ...AIRFLOW, min, max, seed });
    case 'fixed':
      return fixedScaler(options.fixed);
  }
}
