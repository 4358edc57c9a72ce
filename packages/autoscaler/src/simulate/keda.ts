import type { Cluster } from './cluster.ts';
import { evaluateHpa, noHpaState } from './hpa.ts';
import { createRandom } from './random.ts';
import type { Scaler } from './scaler.ts';
import { shrinkNewestFirst } from './victims.ts';

/** A ScaledObject of KEDA. */
export interface KedaOptions {
  readonly name: string;
  /** The metrics KEDA can read, each with its target for one replica; the HPA takes the largest answer. */
  readonly metrics: (cluster: Cluster) => readonly { readonly total: number; readonly target: number }[];
  readonly pollMs: number;
  readonly cooldownMs: number;
  /** The HPA's scale-down stabilisation, ms. */
  readonly stabilisationMs: number;
  readonly min: number;
  readonly max: number;
  /** Decides where in their periods polls and syncs begin. */
  readonly seed: number;
}

const SYNC_MS = 15_000;

/**
 * KEDA's executor with Kubernetes' HPA behind it: KEDA takes the pool from zero to one and, after the cooldown, from any number back to
 * zero; in between the HPA decides, once in 15 s. Which pods go is the ReplicaSet's choice.
 * Source: kedacore/keda pkg/scaling/executor/scale_scaledobjects.go.
 */
export function kedaScaler(options: KedaOptions): Scaler {
  const { min, max, pollMs } = options;
  return {
    name: options.name,
    rest: min,
    start(cluster) {
      const { clock } = cluster;
      const random = createRandom(options.seed);
      let hpa = noHpaState;
      let activeMs = clock.nowMs;
      const set = (replicas: number): void => {
        const now = cluster.replicas;
        if (replicas > now) cluster.grow(replicas - now);
        else if (replicas < now) shrinkNewestFirst(cluster, now - replicas);
      };
      const poll = (): void => {
        const active = options.metrics(cluster).some(({ total }) => total > 0);
        if (active) {
          activeMs = clock.nowMs;
          if (cluster.replicas === 0) set(Math.max(1, min));
        } else if (cluster.replicas < min) set(min);
        else if (min === 0 && cluster.replicas > 0 && clock.nowMs > activeMs + options.cooldownMs) set(0);
        clock.at(clock.nowMs + pollMs, poll);
      };
      const sync = (): void => {
        const replicas = cluster.replicas;
        if (replicas > 0) {
          const metrics = options.metrics(cluster);
          const evaluated = evaluateHpa(
            clock.nowMs,
            { metrics, replicas, min: Math.max(1, min), max, stabilisationMs: options.stabilisationMs },
            hpa,
          );
          hpa = evaluated.state;
          set(evaluated.replicas);
        }
        clock.at(clock.nowMs + SYNC_MS, sync);
      };
      set(min);
      clock.at(clock.nowMs + random() * pollMs, poll);
      clock.at(clock.nowMs + random() * SYNC_MS, sync);
    },
  };
}

/** KEDA on the length of each queue (`llen`), or on all that waits, is held or runs (`in-flight`). */
export function kedaMetrics(trigger: 'llen' | 'in-flight', target: number): KedaOptions['metrics'] {
  if (trigger === 'in-flight') return (cluster) => [{ total: cluster.inFlight, target }];
  return (cluster) => cluster.queues.map((queue) => ({ total: queue.length, target }));
}

/**
 * The Airflow chart's worker autoscaling: KEDA on `ceil((running + queued) / slots)`, one replica for each.
 * Source: apache/airflow chart/values.yaml, `workers.keda`.
 */
export function airflowMetrics(slots: number): KedaOptions['metrics'] {
  return (cluster) => [{ total: Math.ceil(cluster.inFlight / slots), target: 1 }];
}
