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
  /** Nothing runs in it, so that it may be taken out without asking a worker. Default false. */
  readonly empty?: boolean;
  /** It is stuck, and the one to be kept while more replicas are wanted: it shows when the cause is gone. Default false. */
  readonly probe?: boolean;
}

/** Whether the target can take on more replicas. */
export type GrowthSeen =
  | { readonly kind: 'open' }
  /** At most `pending` may be on their way, and `most` ready or on their way (absent: no limit), until `untilMs` (null: until it says otherwise). */
  | {
      readonly kind: 'limited';
      readonly pending: number;
      readonly most?: number;
      readonly reason: string;
      readonly untilMs: number | null;
    };

/** What people ordered for a pool, above any policy. */
export interface Orders {
  /** Holds everything (`all`), growing (`out`) or shrinking (`in`); null holds nothing. */
  readonly pause: 'all' | 'in' | 'out' | null;
  /** Exactly so many replicas; null lets the policy decide. Busy replicas are never taken by it. */
  readonly fixed: number | null;
  /** Counts as having work: at least one replica, never zero. */
  readonly forceActive: boolean;
  /** Who ordered it, for people; empty for nobody. */
  readonly by: string;
}

/** Nobody ordered anything. */
export const noOrders: Orders = { pause: null, fixed: null, forceActive: false, by: '' };

/** What a schedule says at this moment. */
export interface ScheduleSeen {
  /** Null leaves the configured one. */
  readonly min: number | null;
  readonly max: number | null;
  /** For people. */
  readonly text: string;
  /** When it says otherwise, epoch ms; null for never. */
  readonly untilMs: number | null;
}

/** What a budget shared by several pools leaves for this one. */
export interface Grant {
  /** Replicas at most. Never below those that are busy. */
  readonly replicas: number;
  /** Leaving and stuck replicas that were reckoned beside them. They take their part too: more of them come off it. */
  readonly besides: number;
  /** For people: whose budget, and who has the rest. */
  readonly text: string;
}

/** Everything a decision rests on. Plain data: the journal keeps it. */
export interface PoolSeen {
  readonly queues: readonly QueueSeen[];
  /** When the next parked message of the broker is due, epoch ms; null for none; unavailable where the broker cannot say. */
  readonly nextDueMs: Sample<number | null>;
  /** The replicas; unavailable where the target cannot be read. */
  readonly replicas: Sample<readonly ReplicaSeen[]>;
  readonly growth: GrowthSeen;
  readonly orders: Orders;
  /** Null where no schedule is configured or in force. */
  readonly schedule: ScheduleSeen | null;
  /** Null where the pool shares no budget. */
  readonly grant: Grant | null;
  /** Why the target must not be written to at all, such as another writer of its replicas; null for no reason. */
  readonly hold: string | null;
  /** Why no replica in which something may run can be taken out now, such as a rollout. Told, not decided by: scale-in waits. Default null. */
  readonly shrinkHold?: string | null;
  /** Nobody has set its number of replicas: it is the one its platform begins with. Default false. */
  readonly unscaled?: boolean;
}

/** Two sets of orders as one: whoever holds more wins, a fixed number of the first comes before one of the second. */
export function mergeOrders(first: Orders, second: Orders): Orders {
  const both = first.pause !== null && second.pause !== null && first.pause !== second.pause;
  return {
    pause: both ? 'all' : (first.pause ?? second.pause),
    fixed: first.fixed ?? second.fixed,
    forceActive: first.forceActive || second.forceActive,
    by: [first.by, second.by].filter((by) => by !== '').join(' and '),
  };
}
