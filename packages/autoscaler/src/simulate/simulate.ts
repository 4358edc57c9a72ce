import { createClock } from './clock.ts';
import { type ClusterOptions, createCluster } from './cluster.ts';
import type { Scaler } from './scaler.ts';

/** What a policy came to on a trace. The names are those of `celeriac simulate --output json`. */
export interface SimulationResult {
  readonly policy: string;
  /** From arrival to the beginning of the run that ended, seconds. */
  readonly waitP50S: number;
  readonly waitP95S: number;
  readonly waitP99S: number;
  readonly waitMaxS: number;
  /** Share of all tasks that waited no longer than the goal and were not lost, 0 to 1. */
  readonly withinGoalRatio: number;
  /** Of all pods from being asked for to their end. */
  readonly podHours: number;
  readonly starts: number;
  /** Changes of direction: growing after shrinking or the other way round. */
  readonly reversals: number;
  /** Runs ended by SIGKILL. */
  readonly kills: number;
  /** Tasks that were acknowledged and never finished, or not done a day after the last one arrived. */
  readonly lost: number;
}

export interface SimulationOptions extends ClusterOptions {
  /** How long a task may wait, ms. */
  readonly goalMs: number;
  /** Told how far it is, 0 to 1, now and then. */
  readonly onProgress?: (share: number) => void;
}

/** Once all is done a pool may take this long to come to rest. */
const REST_MS = 3_600_000;
/** A task that is killed over and over ends no simulation. */
const PATIENCE_MS = 86_400_000;
const PROGRESS_EVERY = 4_096;

/** Replays a trace through one policy on a simulated clock. Pure: the same arguments give the same answer. */
export function simulate(options: SimulationOptions, scaler: Scaler): SimulationResult {
  const clock = createClock();
  const cluster = createCluster(clock, options);
  const { tally } = cluster;
  const first = options.arrivals[0]?.atMs ?? 0;
  const endMs = (options.arrivals.at(-1)?.atMs ?? 0) - first;
  scaler.start(cluster);
  for (let steps = 0; clock.next(); steps += 1) {
    if (steps % PROGRESS_EVERY === 0) options.onProgress?.(Math.min(1, clock.nowMs / Math.max(1, endMs)));
    if (cluster.done) {
      if (cluster.pods.length === scaler.rest || clock.nowMs > tally.lastEndMs + REST_MS) break;
    } else if (clock.nowMs > endMs + PATIENCE_MS) break;
  }
  const podMs = cluster.pods.reduce((sum, pod) => sum + clock.nowMs - pod.askedMs, tally.podMs);
  const waits = Float64Array.from(tally.waits).sort();
  const at = (share: number): number => (waits[Math.max(0, Math.ceil(share * waits.length) - 1)] ?? 0) / 1_000;
  const total = options.arrivals.length;
  return {
    policy: scaler.name,
    waitP50S: at(0.5),
    waitP95S: at(0.95),
    waitP99S: at(0.99),
    waitMaxS: at(1),
    withinGoalRatio: total === 0 ? 1 : waits.filter((wait) => wait <= options.goalMs).length / total,
    podHours: podMs / 3_600_000,
    starts: tally.starts,
    reversals: tally.reversals,
    kills: tally.kills,
    lost: total - tally.ended,
  };
}
