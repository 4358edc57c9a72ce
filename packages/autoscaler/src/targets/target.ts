import type { GrowthSeen, Orders } from '../decide/seen.ts';
import type { Sample } from '../window/sample.ts';

/** One replica as its target sees it. */
export interface TargetReplica {
  /** The target's name for it. */
  readonly id: string;
  /** The node name its worker goes by; null where the target cannot tell. */
  readonly nodename: string | null;
  /** The host its worker names behind the `@` of its node name; null where the target cannot tell. Looked at where `nodename` is null. */
  readonly host: string | null;
  /** `leaving`: told to go. `stuck`: will not come up by itself; `why` says why. */
  readonly phase: 'running' | 'leaving' | 'stuck';
  readonly why: string | null;
  /** Process id on this machine; null where it has none here. */
  readonly pid: number | null;
  /** When it was asked for, or began anew in its place, epoch ms. */
  readonly startedAtMs: number;
  /** Nothing runs in it, so that it may be taken out without asking a worker. */
  readonly empty: boolean;
  /** It is stuck, and the one to be kept while more replicas are wanted: it shows when the cause is gone. */
  readonly probe: boolean;
}

/** What a target shows of itself. */
export interface TargetSeen {
  readonly replicas: Sample<readonly TargetReplica[]>;
  readonly growth: GrowthSeen;
  /** What people ordered on the target itself, such as KEDA's pause annotations. */
  readonly orders: Orders;
  /** Why it must not be written to at all; null for no reason. */
  readonly hold: string | null;
  /** Why no replica can be taken out safely now (a rollout, a busy replica that is not ready); null for no reason. */
  readonly shrinkHold: string | null;
  /** Nobody has set its number of replicas: it is the one its platform begins with. Default false. */
  readonly unscaled?: boolean;
}

/** What a target is told about the work of its replicas, once a turn. */
export interface TargetWork {
  /** Ids of replicas whose worker is up by its heartbeats. */
  readonly up: ReadonlySet<string>;
  /** Ids of replicas that hold work, or of which nothing certain is known. */
  readonly busy: ReadonlySet<string>;
  /** Ids of replicas in which something runs that has not been heard of: a task cannot be ruled out. Absent: none. */
  readonly unheard?: ReadonlySet<string>;
  /** Tasks that ran in each when it was last heard of. */
  readonly active: ReadonlyMap<string, number>;
}

/**
 * The thing being scaled. It knows nothing of queues, tasks or idleness: whoever asks it to remove a replica has cordoned it and has
 * verified that it is idle.
 */
export interface Target {
  /** Word for the kind, as in the configuration. */
  readonly kind: string;
  /** What is known now; costs nothing. */
  look(nowMs: number): TargetSeen;
  /** Asks for `to` replicas where there are `from`; resolves when asked for, or when it is to be decided anew. `why` is for people. */
  grow(from: number, to: number, why?: string): Promise<void>;
  /** A replica's worker has been heard of. */
  heard(id: string): void;
  /** What made replicas fail is mended: grows as if none had. */
  forgive(): void;
  /** What its replicas are doing: busy ones are shielded from whoever else could end them. Costs nothing where nothing changed. */
  observe(work: TargetWork): void;
  /** Makes these the ones that go first. */
  mark(ids: readonly string[]): Promise<void>;
  /** Takes that back. */
  unmark(ids: readonly string[]): Promise<void>;
  /** Shrinks to `replicas` by exactly these; resolves when told. A running task is never ended by it. */
  remove(ids: readonly string[], replicas: number): Promise<void>;
  /**
   * Resolves once no shrink that anybody asked for before can still take effect: not ours that went unanswered, not one of an earlier
   * holder of the lease. Absent where a shrink has ended with the promise of whoever asked.
   */
  fence?(): Promise<void>;
  /** We hold the lease from here on: what its last holder wrote meanwhile is nobody else's. Absent where nobody else writes. */
  takenOver?(): void;
  /**
   * The least number, not below `to`, to which somebody else may shrink it now so that none but these idle ones go, or such in which nothing
   * runs; null where that cannot be told. Absent where nobody else can.
   */
  safeNumber?(nowMs: number, to: number, idle: ReadonlySet<string>): number | null;
  /** Calls back when replicas came or went. */
  onChange(listener: () => void): void;
  /**
   * Lets go of the target. Local processes are told to drain and waited for; `hurry` tells them again. Resolves with the replicas that
   * were still there at the end.
   */
  close(options: { readonly timeoutMs: number; readonly hurry: AbortSignal }): Promise<readonly string[]>;
}
