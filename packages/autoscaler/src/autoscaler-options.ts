import type { Logger, Transport } from '@celeriac/brokers';
import type { PoolsConfig } from './config/pools-config.ts';
import type { Lease } from './lease/lease.ts';
import type { ClaimSweep } from './loop/upkeep.ts';
import type { MemoryPolicy } from './samplers/broker-facts.ts';
import type { ReplicaOutput } from './targets/local/replica-process.ts';

/** What an autoscaler is made of. */
export interface AutoscalerOptions {
  readonly config: PoolsConfig;
  /** The broker; not closed by the autoscaler. Where it can put back what dead workers held, it is asked to. */
  readonly transport: Transport & Partial<ClaimSweep & MemoryPolicy>;
  readonly logger?: Logger;
  /** Epoch ms, by a clock that nobody sets. Default: the wall clock as it was at the start, and what has passed since. */
  readonly now?: () => number;
  /** Every journal record is appended to this file as a line of JSON. */
  readonly journalFile?: string | undefined;
  /** Complete environment of local replicas; default: ours as it is. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Where the output of local replicas goes. Default `inherit`. */
  readonly output?: ReplicaOutput;
  /** First words of commands that stand for others, such as `celeriac`. */
  readonly programs?: Readonly<Record<string, readonly string[]>>;
  /** Default: the one the configuration names; none named, we are the only autoscaler. */
  readonly lease?: Lease;
  /** Our own Pod, labelled while we hold the lease (`celeriac.dev/role: leader`). Default: none. */
  readonly podName?: string | undefined;
}
