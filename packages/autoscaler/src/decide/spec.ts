/** What a pool may do: `dry-run` decides and records, `up-only` never shrinks. */
export type ScalingMode = 'off' | 'dry-run' | 'up-only' | 'on';

/** One queue of a pool. */
export interface QueueSpec {
  readonly name: string;
  /** How long a task may wait in it before it begins, ms. */
  readonly waitGoalMs: number;
}

/** What {@link decide} is told about a pool: the configuration in one unit, plain data. */
export interface PoolSpec {
  readonly pool: string;
  readonly queues: readonly QueueSpec[];
  /** A replica's concurrency; null learns it from heartbeats. */
  readonly slotsPerReplica: number | null;
  readonly mode: ScalingMode;
  /** Holds everything (`all`), growing (`out`) or shrinking (`in`); null holds nothing. */
  readonly pause: 'all' | 'in' | 'out' | null;
  /** Exactly so many replicas, whatever the policy wishes; null lets the policy decide. An order by `celeriac scale` comes before it. */
  readonly fixed: number | null;
  readonly min: number;
  readonly max: number;
  /** How long a pool must have been without work before its last replicas go, ms. */
  readonly idleToZeroMs: number;
  /** Idle replicas are kept for what may come, for at most about so many cold starts' time for each start saved; 0 keeps none. */
  readonly keepWarm: number;
  /** A shrink goes no lower than the highest wish of this window, ms. */
  readonly downDelayMs: number;
  /** What to run after signals have been missing for `afterMs`; null only holds. */
  readonly fallback: { readonly replicas: number; readonly afterMs: number } | null;
  /** Replicas added by one decision at most; null for no limit. */
  readonly maxUpStep: number | null;
  /** Replicas starting at the same time at most; null for no limit. */
  readonly maxPending: number | null;
  /** How long a task keeps a slot until it has been learnt, ms. */
  readonly expectedServiceMs: number;
  /** How long a replica takes to come up until it has been learnt, ms. */
  readonly expectedColdStartMs: number;
  /** Square-root staffing: spare slots as a multiple of the root of the busy ones; 0 keeps none. */
  readonly headroom: number;
}
