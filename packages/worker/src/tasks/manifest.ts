import type { TaskNeeds } from '@celeriac/protocol';

/** Policies of a task; every default is Celery's unless said. Units in seconds keep Celery's names, others carry the unit. */
export interface TaskOptions {
  /** Acknowledge after the run instead of at its start. Default true (Celery: false). */
  readonly acksLate?: boolean;
  /** Retries after the first run; null for no bound. Default 3. */
  readonly maxRetries?: number | null;
  /** Seconds before a retry that states no countdown. Default 180, as Celery; with retryBackoff the backoff counts. */
  readonly defaultRetryDelay?: number;
  /** Retry by itself on every thrown error (true), or on errors whose name is listed. Default false. */
  readonly autoretryFor?: boolean | readonly string[];
  /** Exponential backoff: true for a factor of 1 s, or the factor in seconds. Default false. */
  readonly retryBackoff?: boolean | number;
  /** Upper bound of the backoff in seconds. Default 600. */
  readonly retryBackoffMax?: number;
  /** Full jitter. Default true. */
  readonly retryJitter?: boolean;
  /** Hard limit in seconds: the process is killed. Default none. */
  readonly timeLimit?: number;
  /** Soft limit in seconds: ctx.signal aborts with SoftTimeLimitExceeded. Default none. */
  readonly softTimeLimit?: number;
  /** Store no result. Default false. */
  readonly ignoreResult?: boolean;
  /** Store STARTED when it begins. Default false. */
  readonly trackStarted?: boolean;
  /** Starts in all, when a start ends in the loss of its process. Default 3; the last loss is FAILURE WorkerLostError and quarantine. */
  readonly maxDeliveries?: number;
  /** 'fresh' gives each run a process of its own. Default 'shared'. */
  readonly isolation?: 'shared' | 'fresh';
  /** With acksLate: acknowledge a run that failed (true) or reject it to the dead-letter exchange. Default true. */
  readonly acksOnFailure?: boolean;
  /** What it needs, over what its contract says, field by field: where tasks and callbacks of this worker call it, they know. Default: the contract's. */
  readonly resources?: TaskNeeds;
}

/** A registered task as the parent knows it. */
export interface TaskDescription {
  readonly name: string;
  readonly options: TaskOptions;
}

/** What the task modules register; reported by the first child, so that user code never loads in the parent. */
export interface TaskManifest {
  readonly tasks: readonly TaskDescription[];
}
