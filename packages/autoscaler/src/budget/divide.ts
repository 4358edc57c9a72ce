import { lowestFirst } from './lowest-first.ts';
import { type Amounts, RESOURCES, type ReplicaCost, type Resource } from './resources.ts';

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
  const free = new Map<Resource, number>(limited.map((resource) => [resource, limits[resource] ?? 0]));
  const shares = new Map<string, number>();
  const costOf = (sharer: Sharer, resource: Resource): number => sharer.cost[resource] ?? 0;
  const give = (sharer: Sharer, replicas: number): void => {
    shares.set(sharer.name, (shares.get(sharer.name) ?? 0) + replicas);
    for (const resource of limited) free.set(resource, (free.get(resource) ?? 0) - replicas * costOf(sharer, resource));
  };
  const fits = (sharer: Sharer): boolean => limited.every((resource) => costOf(sharer, resource) <= Math.max(0, free.get(resource) ?? 0));
  const parts = limited.filter((resource) => (limits[resource] ?? 0) > 0);
  const levelOf = (sharer: Sharer): number => {
    const greatest = parts.reduce((part, resource) => Math.max(part, costOf(sharer, resource) / (limits[resource] ?? 1)), 0);
    return ((shares.get(sharer.name) ?? 0) * greatest) / sharer.weight;
  };

  for (const sharer of sharers) give(sharer, sharer.floor);
  const tiers = [...new Set(sharers.map(({ tier }) => tier))].sort((one, other) => one - other);
  const rounds = Math.max(0, ...sharers.map(({ ceilings }) => ceilings.length));
  for (let round = 0; round < rounds; round += 1) {
    for (const tier of tiers) {
      const queue = lowestFirst<Turn>(comesBefore);
      const queueUp = (sharer: Sharer): void => {
        const [has, ceiling] = [shares.get(sharer.name) ?? 0, sharer.ceilings[round] ?? 0];
        if (has < ceiling) queue.push({ sharer, level: levelOf(sharer), pressure: (ceiling - has) / ceiling });
      };
      for (const sharer of sharers) if (sharer.tier === tier) queueUp(sharer);
      for (let turn = queue.pop(); turn !== undefined; turn = queue.pop()) {
        if (!fits(turn.sharer)) continue;
        give(turn.sharer, 1);
        queueUp(turn.sharer);
      }
    }
  }
  return shares;
}

interface Turn {
  readonly sharer: Sharer;
  /** What it has for its weight. */
  readonly level: number;
  /** What it lacks, as a part of what it would have. */
  readonly pressure: number;
}

/** The one that has less for its weight; among equals the one that lacks more; then by name, so that the answer is determined. */
function comesBefore(one: Turn, other: Turn): boolean {
  if (one.level !== other.level) return one.level < other.level;
  if (one.pressure !== other.pressure) return one.pressure > other.pressure;
  return one.sharer.name < other.sharer.name;
}
