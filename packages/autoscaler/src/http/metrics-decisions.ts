import type { ReasonCode } from '../decide/decision.ts';
import type { MetricMakers } from './metric-makers.ts';
import type { MetricsPart } from './metrics-part.ts';
import { DECISION_METRICS } from './tables/decision-table.ts';

interface Decided {
  readonly direction: 'up' | 'down';
  readonly reason: ReasonCode;
  readonly atMs: number;
}

interface OfPool {
  readonly decided: Map<string, Decided>;
  /** What was decided in the last turn: until it is carried out, every turn decides it again. */
  last: string | null;
}

/** The last decision of each kind that changed a pool's replicas. Only what happened has a series: two directions, some twenty reasons. */
export function createDecisionMetrics(makers: MetricMakers): MetricsPart {
  const { decidedAt } = makers.make(DECISION_METRICS);
  const kept = new Map<string, OfPool>();
  return {
    observe({ pool, decision, atMs }) {
      const ofPool = kept.get(pool) ?? { decided: new Map<string, Decided>(), last: null };
      kept.set(pool, ofPool);
      const { apply, from, to, reason } = decision;
      const direction = to > from ? 'up' : 'down';
      const made = apply && to !== from ? `${direction} ${reason} ${to}` : null;
      if (made !== null && made !== ofPool.last) ofPool.decided.set(`${direction} ${reason}`, { direction, reason, atMs });
      ofPool.last = made;
    },
    write(pools) {
      for (const [pool, { decided }] of kept) {
        if (pools.has(pool))
          for (const { direction, reason, atMs } of decided.values()) decidedAt.set({ pool, direction, reason }, atMs / 1_000);
        // A pool that is gone is gone with its series; one who stands by has none to write.
        else if (pools.size > 0) kept.delete(pool);
      }
    },
  };
}
