import { divide, type Sharer } from './divide.ts';
import { type Amounts, RESOURCES, type ReplicaCost } from './resources.ts';

/** What a pool asks of a budget, and what it has of it. Replicas. */
export interface Ask {
  readonly pool: string;
  /** Lower ones are served first. */
  readonly tier: number;
  /** Above 0: what it weighs among the pools of its tier. */
  readonly weight: number;
  readonly cost: ReplicaCost;
  /** What cannot be taken from it: its min, replicas with work. */
  readonly floor: number;
  /** What it would run now if it were alone. */
  readonly wish: number;
  /** What it would keep for a while if nobody else wanted it. */
  readonly keep: number;
  readonly max: number;
  /** Ready, starting, or just asked for. */
  readonly current: number;
  /** These take their part beside the current ones: the first until they have gone, the others as long as they are there. */
  readonly leaving: number;
  readonly stuck: number;
}

/**
 * How many replicas each pool may have, by name. Pure.
 *
 * Nobody is granted less than its floor, so that running work is never taken back. What is left goes to wishes, the lower tiers first and
 * by weight inside a tier, then to what pools would keep for a while, then as room to grow into. Whoever has more than its share is granted
 * its share and yields what is idle. What it yields is granted to others only once it has gone: starting, leaving and stuck replicas consume
 * too, so the budget is not exceeded on the way, except by floors.
 */
export function shareBudget(limits: Amounts, asks: readonly Ask[]): ReadonlyMap<string, number> {
  const entitled = divide(
    without(limits, asks, (ask) => ask.stuck),
    asks.map((ask) => sharer(ask, ask.floor, ceilingsOf(ask))),
  );
  const entitledTo = (ask: Ask): number => entitled.get(ask.pool) ?? ask.floor;
  const possible = divide(
    without(limits, asks, (ask) => ask.stuck + ask.leaving),
    asks.map((ask) => {
      const ceilings = ceilingsOf(ask).map((ceiling) => Math.min(ceiling, entitledTo(ask)));
      return sharer(ask, Math.max(ask.current, ask.floor), ceilings);
    }),
  );
  return new Map(
    asks.map((ask) => [ask.pool, ask.current > entitledTo(ask) ? entitledTo(ask) : (possible.get(ask.pool) ?? ask.floor)] as const),
  );
}

function ceilingsOf({ wish, keep, max }: Ask): readonly number[] {
  return [wish, Math.max(wish, keep), Math.max(wish, keep, max)];
}

function sharer({ pool, tier, weight, cost }: Ask, floor: number, ceilings: readonly number[]): Sharer {
  return { name: pool, tier, weight, cost, floor, ceilings };
}

/** What limits leave beside replicas that are there in any case. */
function without(limits: Amounts, asks: readonly Ask[], besides: (ask: Ask) => number): Amounts {
  return Object.fromEntries(
    RESOURCES.flatMap((resource) => {
      const limit = limits[resource];
      if (limit === undefined) return [];
      const taken = asks.reduce((sum, ask) => sum + besides(ask) * (ask.cost[resource] ?? 0), 0);
      return [[resource, Math.max(0, limit - taken)] as const];
    }),
  );
}
