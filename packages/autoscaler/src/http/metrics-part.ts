import type { Autoscaler } from '../autoscaler.ts';
import type { PoolTick } from '../loop/pool-loop.ts';

/** What metrics are read from. */
export type MetricsSource = Pick<
  Autoscaler,
  | 'brokerFacts'
  | 'journal'
  | 'kubernetes'
  | 'lease'
  | 'leaseChanges'
  | 'namespaceOf'
  | 'nowMs'
  | 'pools'
  | 'tally'
  | 'targetKindOf'
  | 'workersHeardOf'
>;

/** Some of the metrics. */
export interface MetricsPart {
  /** Takes in one turn of a pool. */
  observe(tick: PoolTick): void;
  /** Sets everything for one scrape, from the last turn of each pool. */
  write(pools: ReadonlyMap<string, PoolTick>): void;
}

/** What metrics say of the autoscaler itself. */
export interface MetricsIdentity {
  readonly version: string;
  /** `redis`, `amqp` or `memory`. */
  readonly broker: string;
  /** KEDA's own names beside ours, for dashboards that know them. Default false. */
  readonly kedaNames?: boolean;
}
