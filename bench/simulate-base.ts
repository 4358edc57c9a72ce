// What the simulated comparisons share: traces, cluster, and how a run is asked for.

import {
  type Arrival,
  type CompareOptions,
  comparePolicies,
  generateTrace,
  type SimulationResult,
  type TraceKind,
} from '@celeriac/autoscaler';

/** One of our settings, as in pools.yaml; seconds. */
export interface OurSetting {
  readonly goal: number;
  readonly downDelay: number;
  readonly idleToZero: number;
  readonly keepWarm: number;
  readonly headroom: number;
}

/** Six hours at three busy slots on average, 30 s a task. */
export function traceOf(kind: TraceKind, seed: number, ratePerS = 0.1): readonly Arrival[] {
  return generateTrace({ kind, seed, durationMs: 6 * 3_600_000, ratePerS, meanServiceMs: 30_000 });
}

/** Two slots to a pod, 30 s of cold start, at most 20 pods. */
export function optionsFor(
  arrivals: readonly Arrival[],
  setting: OurSetting,
  changes: Partial<Pick<CompareOptions, 'graceMs' | 'keda' | 'seed'>> = {},
): CompareOptions {
  return {
    arrivals,
    slots: 2,
    coldStartMs: 30_000,
    graceMs: 30_000,
    goalMs: setting.goal * 1_000,
    prefetch: 1,
    ack: 'late',
    redeliveryMs: 0,
    min: 0,
    max: 20,
    ours: {
      idleToZeroMs: setting.idleToZero * 1_000,
      downDelayMs: setting.downDelay * 1_000,
      keepWarm: setting.keepWarm,
      headroom: setting.headroom,
      expectedServiceMs: 30_000,
      expectedColdStartMs: 30_000,
    },
    keda: { trigger: 'llen', pollMs: 30_000, cooldownMs: 300_000, target: 5, stabilisationMs: 300_000 },
    fixed: 20,
    seed: 1,
    ...changes,
  };
}

export function runOne(options: CompareOptions, policy: 'ours' | 'keda' | 'airflow'): SimulationResult {
  const [result] = comparePolicies(options, [policy]);
  if (result === undefined) throw new Error(`no result for ${policy}`);
  return result;
}

/** The 95th percentile of the wait, the pod-hours and the starts, for a cell of a table. */
export function cellOf({ waitP95S, podHours, starts }: SimulationResult): string {
  return `${waitP95S.toFixed(1)} s, ${podHours.toFixed(1)} h, ${starts}`;
}

export function line(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}
