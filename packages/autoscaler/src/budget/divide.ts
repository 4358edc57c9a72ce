import { lowestFirst } from './lowest-first.ts';
import { type Amounts, RESOURCES, type ReplicaCost } from './resources.ts';

/** One who shares. */
export interface Sharer {
  readonly name: string;
  /** Lower ones are served first. */
  readonly tier: number;
  /** Above 0. */
  readonly weight: number;
  readonly cost: ReplicaCost;
  /** Replicas it has in any case. */
  readonly floor: number;
  /** How many it would have, least urgent last; each is filled for all before the next one. */
  readonly ceilings: readonly number[];
}

/**
 * Divides limits in whole replicas, by name. Pure. Each has its floor, even above the limits. Then, ceiling by ceiling, the lower tiers
 * first; inside a tier one replica at a time to whoever has the least for its weight (weighted max-min). What somebody has is measured by
 * the resource of which it has the greatest part, as in dominant resource fairness (Ghodsi et al., NSDI 2011). Whoever's next replica does
 * not fit is out, and the others go on, so that nothing is left that somebody could use.
 */
export function divide(limits: Amounts, sharers: readonly Sharer[]): ReadonlyMap<string, number> {
  const limited = RESOURCES.filter((resource) => limits[resource] !== undefined);
  const division: Division = { limits: limited.map((resource) => limits[resource] ?? 0), used: limited.map(() => 0) };
  const holders = sharers.map((sharer): Holder => {
    const cost = limited.map((resource) => sharer.cost[resource] ?? 0);
    const part = cost.reduce((greatest, each, index) => Math.max(greatest, each / Math.max(1, division.limits[index] ?? 1)), 0);
    return { sharer, cost, perReplica: part / sharer.weight, has: 0 };
  });
  for (const holder of holders) give(division, holder, holder.sharer.floor);
  const tiers = [...new Set(sharers.map(({ tier }) => tier))].sort((one, other) => one - other);
  const rounds = Math.max(0, ...sharers.map(({ ceilings }) => ceilings.length));
  for (let round = 0; round < rounds; round += 1) {
    for (const tier of tiers) {
      const wanting = holders.filter(({ sharer, has }) => sharer.tier === tier && has < ceilingOf(sharer, round));
      fill(division, wanting, round);
    }
  }
  return new Map(holders.map(({ sharer, has }) => [sharer.name, has] as const));
}

/** What there is and what of it is taken, one number for each resource that is limited. */
interface Division {
  readonly limits: readonly number[];
  readonly used: number[];
}

interface Holder {
  readonly sharer: Sharer;
  /** In the order of the limits. */
  readonly cost: readonly number[];
  /** How much nearer one replica brings it to its fair part. */
  readonly perReplica: number;
  has: number;
}

function ceilingOf({ ceilings }: Sharer, round: number): number {
  return ceilings[round] ?? 0;
}

function give(division: Division, holder: Holder, replicas: number): void {
  holder.has += replicas;
  for (let index = 0; index < holder.cost.length; index += 1) {
    division.used[index] = (division.used[index] ?? 0) + (holder.cost[index] ?? 0) * replicas;
  }
}

function fits({ limits, used }: Division, more: readonly number[]): boolean {
  return more.every((each, index) => each === 0 || (used[index] ?? 0) + each <= (limits[index] ?? 0));
}

/** One replica at a time. */
function fill(division: Division, holders: readonly Holder[], round: number): void {
  const queue = lowestFirst<Turn>(comesBefore);
  const queueUp = (holder: Holder): void => {
    const ceiling = ceilingOf(holder.sharer, round);
    if (holder.has >= ceiling || !fits(division, holder.cost)) return;
    queue.push({ holder, level: holder.has * holder.perReplica, pressure: (ceiling - holder.has) / ceiling });
  };
  for (const holder of holders) queueUp(holder);
  for (let turn = queue.pop(); turn !== undefined; turn = queue.pop()) {
    if (!fits(division, turn.holder.cost)) continue;
    give(division, turn.holder, 1);
    queueUp(turn.holder);
  }
}

interface Turn {
  readonly holder: Holder;
  /** What it has for its weight. */
  readonly level: number;
  /** What it lacks, as a part of what it would have. */
  readonly pressure: number;
}

/** The one that has less for its weight; among equals the one that lacks more; then by name, so that the answer is determined. */
function comesBefore(one: Turn, other: Turn): boolean {
  if (one.level !== other.level) return one.level < other.level;
  if (one.pressure !== other.pressure) return one.pressure > other.pressure;
  return one.holder.sharer.name < other.holder.sharer.name;
}
