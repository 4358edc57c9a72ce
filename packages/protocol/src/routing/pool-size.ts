import type { Quantity } from './quantity.ts';

/** Devices of a replica or of a task. */
export interface GpuCount {
  /** Default 1. */
  readonly count?: number | undefined;
  /** Such as `a100`; compared letter by letter. */
  readonly model?: string | undefined;
}

/** What one replica of a worker pool has. Everything is optional; a cpu or memory that is not declared is unknown, which is never enough. */
export interface PoolSize {
  /** Cores. */
  readonly cpu?: Quantity | undefined;
  /** Bytes. */
  readonly memory?: Quantity | undefined;
  /** Whole devices. Default 0. */
  readonly gpu?: number | GpuCount | undefined;
  /** Image of its container. */
  readonly image?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /**
   * What a single task may use, where that is not the replica's size divided by its slots: more, where tasks do not all need it at once, or
   * less, to leave something to the worker itself. Never more than the replica has.
   */
  readonly perTask?:
    | { readonly cpu?: Quantity | undefined; readonly memory?: Quantity | undefined; readonly gpu?: number | undefined }
    | undefined;
}

/** A worker pool as the router sees it: the part of a pool of pools.yaml that says where its tasks go and how large they may be. */
export interface RoutedPool {
  /** Tasks that are placed by their needs go to the first; the others count for tasks that name one. */
  readonly queues: readonly string[];
  /** Tasks one replica runs at once. Absent: unknown, so only what `size.perTask` states can satisfy a need of cpu, memory or gpu. */
  readonly slotsPerReplica?: number | undefined;
  readonly size?: PoolSize | undefined;
}

/**
 * Worker pools by name, in order of declaration: `pools` of a pools.yaml, whose other keys are not looked at. (JavaScript puts names that are whole
 * numbers first.)
 */
export type PoolList = Readonly<Record<string, RoutedPool>>;
