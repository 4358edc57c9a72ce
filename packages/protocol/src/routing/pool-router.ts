import { CeleriacError } from '../errors/celeriac-error.ts';
import { capacityOf, type PoolCapacity, shortagesOf } from './pool-capacity.ts';
import { smallestFirst } from './pool-order.ts';
import type { PoolList, RoutedPool } from './pool-size.ts';
import type { ReadNeeds } from './task-needs.ts';

/** A pool and what it is short of. */
export interface PoolShortage {
  readonly pool: string;
  readonly short: readonly string[];
}

/** The pool a task goes to, by the queue; or what each pool that was looked at is short of. */
export type PoolFit =
  | { readonly kind: 'fits'; readonly pool: string; readonly queue: string }
  | { readonly kind: 'no-fit'; readonly pools: readonly PoolShortage[] };

/** Finds pools for tasks. Made by {@link createPoolRouter}. */
export interface PoolRouter {
  /** Names of the pools, the smallest first: the order in which they are tried. */
  readonly order: readonly string[];
  /** The first pool of the order that fits; where the needs name a pool, that one alone. */
  fit(needs: ReadNeeds): PoolFit;
  /** What a pool is short of. Empty for what fits; undefined for no such pool. */
  shortages(pool: string, needs: ReadNeeds): readonly string[] | undefined;
  /** The pool a queue belongs to, or undefined. */
  poolOf(queue: string): string | undefined;
}

/**
 * Makes a router of a list of pools; works out everything that does not depend on the task once. Pure.
 * Throws CELERIAC_E_CONFIG with every fault of the list.
 */
export function createPoolRouter(pools: PoolList): PoolRouter {
  const faults: string[] = [];
  const capacities = Object.entries<RoutedPool>(pools ?? {}).map(([pool, written]) =>
    capacityOf(pool, written, (place, text) => void faults.push(`${[pool, place].filter((part) => part !== '').join('.')}: ${text}`)),
  );
  const owners = new Map<string, string>();
  for (const { pool, queues } of capacities) {
    for (const queue of queues) {
      const owner = owners.get(queue);
      if (owner !== undefined) faults.push(`${pool}.queues: ${queue} belongs to ${owner === pool ? 'it' : `pool ${owner}`} already`);
      owners.set(queue, pool);
    }
  }
  if (capacities.length === 0) faults.push('there is none');
  if (faults.length > 0) throw new CeleriacError('CELERIAC_E_CONFIG', `pools: ${faults.join('; ')}`, { data: { faults } });

  const ordered = smallestFirst(capacities);
  const byName = new Map(ordered.map((capacity) => [capacity.pool, capacity]));
  const queueOf = ({ queues }: PoolCapacity): string => queues[0] as string;
  return {
    order: ordered.map(({ pool }) => pool),
    fit(needs) {
      const named = needs.pool === null ? undefined : byName.get(needs.pool);
      const tried = needs.pool === null ? ordered : named === undefined ? [] : [named];
      const short: PoolShortage[] = [];
      for (const capacity of tried) {
        const shortages = shortagesOf(needs, capacity);
        if (shortages.length === 0) return { kind: 'fits', pool: capacity.pool, queue: queueOf(capacity) };
        short.push({ pool: capacity.pool, short: shortages });
      }
      return { kind: 'no-fit', pools: short };
    },
    shortages(pool, needs) {
      const capacity = byName.get(pool);
      return capacity === undefined ? undefined : shortagesOf(needs, capacity);
    },
    poolOf: (queue) => owners.get(queue),
  };
}
