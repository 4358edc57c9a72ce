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
 * by weight inside a tier, then to what pools would keep for a while, then, by weight alone, as room to grow into. Whoever has more than its
 * share is granted its share and yields what is idle. What it yields is granted to others only once it has gone: starting, leaving and stuck
 * replicas consume too, so the budget is not exceeded on the way, except by floors.
 */
export function shareBudget(limits: Amounts, asks: readonly Ask[]): ReadonlyMap<string, number> {
  const entitled = fill(
    without(limits, asks, (ask) => ask.stuck),
    asks.map((ask) => ({ ...ask, most: Number.POSITIVE_INFINITY })),
  );
  const entitledTo = (ask: Ask): number => entitled.get(ask.pool) ?? ask.floor;
  const possible = fill(
    without(limits, asks, (ask) => ask.stuck + ask.leaving),
    asks.map((ask) => ({ ...ask, floor: Math.max(ask.current, ask.floor), most: entitledTo(ask) })),
  );
  return new Map(
    asks.map((ask) => [ask.pool, ask.current > entitledTo(ask) ? entitledTo(ask) : (possible.get(ask.pool) ?? ask.floor)] as const),
  );
}

/** Divides by urgency; `most` caps all that a pool asks. */
function fill(limits: Amounts, asks: readonly (Ask & { readonly most: number })[]): ReadonlyMap<string, number> {
  const sharer = ({ pool, tier, weight, cost, floor, wish, keep, most }: (typeof asks)[number]): Sharer => {
    return { name: pool, tier, weight, cost, floor, ceilings: [wish, Math.max(wish, keep)].map((ceiling) => Math.min(ceiling, most)) };
  };
  const asked = divide(limits, asks.map(sharer));
  const room = asks.map((ask) => {
    return { ...sharer(ask), tier: 0, floor: asked.get(ask.pool) ?? ask.floor, ceilings: [Math.min(ask.max, ask.most)] };
  });
  return divide(limits, room);
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
