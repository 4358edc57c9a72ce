import type { Orders } from '../decide/seen.ts';
import type { PoolState } from '../decide/state.ts';

/** What the next holder of the lease must know of a pool. Plain data, small: a thousand of them share one object. */
export interface PoolMemory {
  readonly busyAtMs: PoolState['busyAtMs'];
  readonly wishes: PoolState['wishes'];
  readonly service: PoolState['service'];
  readonly coldStart: PoolState['coldStart'];
  readonly slotsPerReplica: PoolState['slotsPerReplica'];
  /** What people ordered by `celeriac scale`. */
  readonly orders: Orders;
  /** Replicas that were told to take nothing more, by id: whoever comes next takes that back or carries on. */
  readonly cordoned: Readonly<Record<string, { readonly nodename: string; readonly queues: readonly string[] }>>;
  /** Replicas that a shrink was asked for, which may still be under way. */
  readonly removing: readonly string[];
}

/** What survives the holder of a lease. */
export interface LeaseMemory {
  /** What the last holder left for a pool; null for nothing. */
  read(pool: string): PoolMemory | null;
  /** Remembers it; written out before long, and when the lease is given up. */
  write(pool: string, memory: PoolMemory): void;
  /** Writes out now. Resolves once it would survive us; rejects with a CeleriacError where it would not. */
  flush(): Promise<void>;
}

/** A memory that ends with this process. */
export function volatileMemory(): LeaseMemory {
  const pools = new Map<string, PoolMemory>();
  return {
    read: (pool) => pools.get(pool) ?? null,
    write: (pool, memory) => void pools.set(pool, memory),
    flush: () => Promise.resolve(),
  };
}
