import type { Autoscaler } from '../autoscaler.ts';
import type { PoolTick } from '../loop/pool-loop.ts';

/** What metrics are read from. */
export type MetricsSource = Pick<
  Autoscaler,
  'journal' | 'kubernetes' | 'lease' | 'leaseChanges' | 'namespaceOf' | 'nowMs' | 'pools' | 'tally' | 'targetKindOf' | 'workersHeardOf'
>;

/** Some of the metrics. */
export interface MetricsPart {
  /** Takes in one turn of a pool. */
  observe(tick: PoolTick): void;
  /** Sets everything for one scrape, from the last turn of each pool. */
  write(pools: ReadonlyMap<string, PoolTick>): void;
}
