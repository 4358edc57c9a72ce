import type { MetricMakers } from './metric-makers.ts';
import type { MetricsPart } from './metrics-part.ts';
import { createNewDecisions, type NewDecision } from './new-decisions.ts';
import { DECISION_METRICS } from './tables/decision-table.ts';

interface Decided extends NewDecision {
  readonly atMs: number;
}

/** The last decision of each kind that changed a pool's replicas. Only what happened has a series: two directions, some twenty reasons. */
export function createDecisionMetrics(makers: MetricMakers): MetricsPart {
  const { decidedAt } = makers.make(DECISION_METRICS);
  const newDecisions = createNewDecisions();
  const kept = new Map<string, Map<string, Decided>>();
  return {
    observe(tick) {
      const made = newDecisions.of(tick);
      if (made === null) return;
      const ofPool = kept.get(tick.pool) ?? new Map<string, Decided>();
      kept.set(tick.pool, ofPool);
      ofPool.set(`${made.direction} ${made.reason}`, { ...made, atMs: tick.atMs });
    },
    write(pools) {
      for (const [pool, decided] of kept) {
        if (pools.has(pool)) {
          for (const { direction, reason, atMs } of decided.values()) decidedAt.set({ pool, direction, reason }, atMs / 1_000);
        } else if (pools.size > 0) {
          // A pool that is gone is gone with its series; one who stands by has none to write.
          kept.delete(pool);
          newDecisions.forget(pool);
        }
      }
    },
  };
}
