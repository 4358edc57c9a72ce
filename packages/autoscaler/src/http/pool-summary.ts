import { scheduled } from '../decide/scheduled.ts';
import type { Orders } from '../decide/seen.ts';
import type { PoolTick } from '../loop/pool-loop.ts';

/** A pool as `/api/pools` lists it. */
export interface PoolSummary {
  readonly pool: string;
  readonly replicas: number;
  readonly wanted: number;
  readonly reason: string;
  readonly text: string;
  readonly mode: string;
  /** As they are in force, by a schedule too. */
  readonly min: number;
  readonly max: number;
  /** Null where a depth is unknown. */
  readonly waiting: number | null;
  readonly running: number;
  readonly starting: number;
  readonly leaving: number;
  readonly stuck: number;
  /** All that is ordered: here, and on the target itself. */
  readonly orders: Orders;
  /** Why its target must not be written to; null for no reason. */
  readonly hold: string | null;
  /** Why its target takes on no more, or not as many as wanted; null for no reason. */
  readonly limited: string | null;
  /** Replicas a shared budget leaves it; null where it shares none. */
  readonly granted: number | null;
  /** Signals that are missing, one sentence each. */
  readonly unknown: readonly string[];
}

/** Sums a turn of a pool up. */
export function poolSummary({ decision, pool, spec, seen }: PoolTick): PoolSummary {
  const depths = Object.values(decision.evidence.ready);
  const { starting, leaving, stuck } = decision.evidence.replicas;
  const { min, max } = scheduled(spec, seen.schedule);
  return {
    pool,
    replicas: decision.from,
    wanted: decision.to,
    reason: decision.reason,
    text: decision.text,
    mode: spec.mode,
    min,
    max,
    waiting: depths.some((depth) => depth === null) ? null : depths.reduce<number>((sum, depth) => sum + (depth ?? 0), 0),
    running: decision.evidence.active,
    starting,
    leaving,
    stuck,
    orders: seen.orders,
    hold: seen.hold,
    limited: seen.growth.kind === 'limited' ? seen.growth.reason : null,
    granted: seen.grant?.replicas ?? null,
    unknown: decision.evidence.unknown,
  };
}
