import type { ServerResponse } from 'node:http';
import type { Autoscaler } from '../autoscaler.ts';
import { isIdle, isUnproven } from '../decide/idle.ts';
import type { PoolTick } from '../loop/pool-loop.ts';
import { valueOr } from '../window/sample.ts';
import { sendJson } from './answer.ts';
import { sendNoPool, standbyText } from './refusals.ts';

/** What KEDA is told of a pool. */
export interface KedaAnswer {
  readonly pool: string;
  /** Replicas wanted now; never fewer than it takes for all that is busy, or cannot be told, to stay. */
  readonly replicas: number;
  /** Whether the last decision had all its signals. Without them the number only holds, or is what `fallback` says. */
  readonly ready: boolean;
}

/** The part of a turn that {@link kedaWish} rests on. */
type Decided = Pick<PoolTick, 'decision' | 'seen'>;

/**
 * What to write to `spec.replicas` by the last decision. Stuck replicas are part of that number but not of the decision's: they stay while
 * the pool grows, cannot grow because of them, or nothing may shrink, and go otherwise. Null where the replicas could not be read. Pure.
 */
export function kedaWish({ decision, seen }: Decided): number | null {
  if (seen.replicas.kind === 'unavailable') return null;
  const { from, to, stages, evidence, nextState } = decision;
  const keepsStuck = to > from || nextState.unknownSinceMs !== null || stages.some(({ stage }) => stage === 'target');
  return to + (keepsStuck ? evidence.replicas.stuck : 0);
}

/** Ids of replicas that are known to hold nothing, by more than their first word. Pure. */
export function knownIdle({ seen }: Pick<Decided, 'seen'>): ReadonlySet<string> {
  const ready = valueOr(seen.replicas, []).filter(({ phase }) => phase === 'ready');
  return new Set(ready.filter((replica) => isIdle(replica) && !isUnproven(replica, 0)).map(({ id }) => id));
}

/**
 * Answers `GET /api/keda/:pool`, for KEDA's trigger `metrics-api` with `valueLocation: replicas`, `targetValue: "1"` and `metricType:
 * AverageValue`: the metric is the number of replicas.
 *
 * Source: kedacore/keda, pkg/scalers/metrics_api_scaler.go and pkg/scaling/executor. `valueLocation` is a gjson path to a JSON number;
 * every status but 200 is an error, as is no answer. On an error the HorizontalPodAutoscaler gets no metric, so that it neither grows nor
 * shrinks, until the ScaledObject's own `fallback` speaks; KEDA itself reports it, where old versions took it for inactive (issue 1850 there).
 * So what is not known is refused by its status, and 0 is only ever said where it is meant: on 0 KEDA writes zero after its
 * `cooldownPeriod`, without looking at who is busy.
 *
 * Statuses: 404 no such pool; 409 a pool that is not in `dry-run`, which two would write; 503 while it is not known, or another autoscaler holds
 * the lease.
 */
export function sendKeda(response: ServerResponse, autoscaler: Autoscaler, pool: string): void {
  const tick = autoscaler.pools.get(pool);
  if (!autoscaler.poolNames.includes(pool)) sendNoPool(response, autoscaler, pool);
  else if (!autoscaler.lease.held) sendJson(response, 503, { error: standbyText(autoscaler), holder: autoscaler.lease.holder });
  else if (tick === undefined) sendJson(response, 503, { error: `pool ${pool} has not decided yet` });
  else if (tick.spec.mode !== 'dry-run') sendJson(response, 409, { error: notForKeda(tick) });
  else {
    const wish = kedaWish(tick);
    const replicas = wish === null ? null : autoscaler.safeNumber(pool, wish, knownIdle(tick));
    const answer: KedaAnswer | null = replicas === null ? null : { pool, replicas, ready: tick.decision.nextState.unknownSinceMs === null };
    if (answer === null) sendJson(response, 503, { error: `the replicas of pool ${pool} cannot be read` });
    else sendJson(response, 200, answer);
  }
}

function notForKeda({ pool, spec: { mode } }: PoolTick): string {
  return `pool ${pool} has scaling.mode ${mode}: set it to dry-run, and target.deployment.otherWriters to ignore, where KEDA scales it`;
}
