import type { Sample } from '../window/sample.ts';

/** One queue as sampled. */
export interface QueueSeen {
  readonly name: string;
  /** Messages ready, all priorities. A queue that does not exist is a reading of 0. */
  readonly ready: Sample;
}

/**
 * - `starting`: asked for, not yet heard of.
 * - `ready`: runs; whether it is busy is in {@link ReplicaSeen.active}.
 * - `leaving`: told to go.
 * - `stuck`: counted neither as capacity nor as on its way; `why` says what is wrong.
 */
export type ReplicaPhase = 'starting' | 'ready' | 'leaving' | 'stuck';

/** One replica: what the target says of it joined with what its worker says. */
export interface ReplicaSeen {
  /** The target's name for it: a pod, a process. */
  readonly id: string;
  /** Its worker's node name; null where none can be matched to it. */
  readonly nodename: string | null;
  readonly phase: ReplicaPhase;
  readonly why: string | null;
  /** When it was asked for, epoch ms. */
  readonly startedAtMs: number;
  /** When its worker was first heard of, epoch ms; null while it has not been. */
  readonly onlineAtMs: number | null;
  /** Its concurrency; null while unknown. */
  readonly slots: number | null;
  /** Tasks running. Silence is unavailable. */
  readonly active: Sample;
  /** Tasks it holds that have not begun and are due. */
  readonly reserved: Sample;
  /** Tasks it holds for later (ETA): no demand yet, but no idleness either. */
  readonly scheduled: Sample;
  /** Tasks begun in this life, and how many of them before we first looked. */
  readonly processed: number | null;
  readonly processedAtFirst: number | null;
  /** Taken out of rotation by us: takes no new task. */
  readonly cordoned: boolean;
}

/** Whether the target can take on more replicas. */
export type GrowthSeen =
  | { readonly kind: 'open' }
  /** At most `pending` may be on their way, until `untilMs` (null: until it says otherwise). */
  | { readonly kind: 'limited'; readonly pending: number; readonly reason: string; readonly untilMs: number | null };

/** Everything a decision rests on. Plain data: the journal keeps it. */
export interface PoolSeen {
  readonly queues: readonly QueueSeen[];
  /** When the next parked message of the broker is due, epoch ms; null for none; unavailable where the broker cannot say. */
  readonly nextDueMs: Sample<number | null>;
  /** The replicas; unavailable where the target cannot be read. */
  readonly replicas: Sample<readonly ReplicaSeen[]>;
  readonly growth: GrowthSeen;
}
