import type { PoolList } from '@celeriac/protocol';
import type { PoolsConfig } from './pools-config.ts';

/** The pools of a configuration as producers and workers take them, to send tasks to the smallest that has what they need. */
export function poolListOf({ pools }: PoolsConfig): PoolList {
  return Object.fromEntries(
    pools.map(({ spec, size }) => [
      spec.pool,
      { queues: spec.queues.map(({ name }) => name), slotsPerReplica: spec.slotsPerReplica ?? undefined, size },
    ]),
  );
}
