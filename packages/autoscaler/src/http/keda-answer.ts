import type { ServerResponse } from 'node:http';
import type { Autoscaler } from '../autoscaler.ts';
import type { PoolTick } from '../loop/pool-loop.ts';
import { valueOr } from '../window/sample.ts';
import { sendJson } from './answer.ts';
import { sendNoPool, standbyText } from './refusals.ts';

/** What KEDA is told of a pool. */
export interface KedaAnswer {
  readonly pool: string;
  /** Replicas wanted now; never less than may be at work. */
  readonly replicas: number;
  /** Whether the last decision had all its signals. Without them the number only holds, or is what `fallback` says. */
  readonly ready: boolean;
}

/**
 * The number of replicas for a Deployment that KEDA and its HorizontalPodAutoscaler write: what `decide` wants, and besides it every replica
 * that may be at work unheard: pods whose worker has not been heard of yet, or never was, and in which something runs. Null where nobody
 * can say, since the replicas could not be read. Pure.
 */
export function kedaReplicas({ decision, seen }: Pick<PoolTick, 'decision' | 'seen'>): number | null {
  if (seen.replicas.kind === 'unavailable') return null;
  const present = valueOr(seen.replicas, []).filter(({ phase }) => phase !== 'leaving');
  const unheard = present.filter(({ phase, empty }) => phase !== 'ready' && empty !== true);
  const stuck = unheard.filter(({ phase }) => phase === 'stuck').length;
  const { busy } = decision.evidence.replicas;
  return Math.max(decision.to + stuck, busy + unheard.length);
}

/**
 * Answers `GET /api/keda/:pool`, for KEDA's trigger `metrics-api` with `valueLocation: replicas`, `targetValue: "1"` and `metricType:
 * AverageValue`: the number is the number of replicas.
 *
 * Source: kedacore/keda, pkg/scalers/metrics_api_scaler.go. `valueLocation` is a gjson path to a JSON number; every status but 200 is an
 * error, as is no answer. On an error KEDA gives the HorizontalPodAutoscaler no metric, so that this neither grows nor shrinks, and
 * itself neither scales to zero nor from it, until the ScaledObject's own `fallback` speaks. So whatever is not known is refused by a
 * status here, and 0 is only ever said where it is meant: KEDA takes 0 for inactive, and the pool to zero after its `cooldownPeriod`.
 *
 * Statuses: 404 no such pool; 409 a pool that is not in `dry-run`, which two would write; 503 while it is not known, or another autoscaler holds
 * the lease.
 */
export function sendKeda(response: ServerResponse, autoscaler: Autoscaler, pool: string): void {
  if (!autoscaler.poolNames.includes(pool)) return sendNoPool(response, autoscaler, pool);
  if (!autoscaler.lease.held) return sendJson(response, 503, { error: standbyText(autoscaler), holder: autoscaler.lease.holder });
  const tick = autoscaler.pools.get(pool);
  if (tick === undefined) return sendJson(response, 503, { error: `pool ${pool} has not decided yet` });
  const { mode } = tick.spec;
  if (mode !== 'dry-run') {
    const error = `pool ${pool} has scaling.mode ${mode}: set it to dry-run, and target.deployment.otherWriters to ignore, where KEDA scales it`;
    return sendJson(response, 409, { error });
  }
  const replicas = kedaReplicas(tick);
  if (replicas === null) return sendJson(response, 503, { error: tick.decision.evidence.unknown.join('; ') });
  const answer: KedaAnswer = { pool, replicas, ready: tick.decision.nextState.unknownSinceMs === null };
  sendJson(response, 200, answer);
}
