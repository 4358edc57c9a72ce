/** The kinds of error by which a task says something other than "it failed". */
export type TaskErrorKind = 'retry' | 'ignore' | 'reject' | 'soft-time-limit';

/** What a task may say of the run that follows a {@link Retry}. */
export interface RetryOptions {
  /** Seconds until the next run. Default: the task's own policy (`retryBackoff`, else `defaultRetryDelay`). */
  readonly countdown?: number;
  /** Replaces the positional arguments. Default: those of this run. */
  readonly args?: readonly unknown[];
  /** Replaces the keyword arguments. Default: those of this run. */
  readonly kwargs?: Readonly<Record<string, unknown>>;
  /** Replaces the task's `maxRetries` for this retry; null for no bound. */
  readonly maxRetries?: number | null;
  /** The error that led here: recorded with RETRY, and the failure once retries are used up. */
  readonly cause?: unknown;
}

/** Thrown by `ctx.retry()`: the task is published again under the same id (celery/app/task.py `Task.retry`). */
export class Retry extends Error {
  override readonly name: string = 'Retry';
  /** Read by name rather than by class, because two copies of this package may live in one process. */
  readonly celeriacTaskError: TaskErrorKind = 'retry';
  readonly options: RetryOptions;

  constructor(options: RetryOptions = {}) {
    super('Retry', options.cause === undefined ? undefined : { cause: options.cause });
    this.options = options;
  }
}

/** Thrown by a task: acknowledge the message, store nothing (celery/exceptions.py `Ignore`). */
export class Ignore extends Error {
  override readonly name: string = 'Ignore';
  readonly celeriacTaskError: TaskErrorKind = 'ignore';
}

/** Thrown by a task: reject the message (celery/exceptions.py `Reject`). `requeue` false sends it to the queue's dead-letter exchange, if any. */
export class Reject extends Error {
  override readonly name: string = 'Reject';
  readonly celeriacTaskError: TaskErrorKind = 'reject';
  readonly requeue: boolean;

  constructor(reason = '', options: { readonly requeue?: boolean } = {}) {
    super(reason);
    this.requeue = options.requeue ?? false;
  }
}

/** The reason of `ctx.signal` at the soft limit; a task that lets it through fails with it (billiard/exceptions.py). */
export class SoftTimeLimitExceeded extends Error {
  override readonly name: string = 'SoftTimeLimitExceeded';
  readonly celeriacTaskError: TaskErrorKind = 'soft-time-limit';
  /** The limit in seconds. */
  readonly limitS: number;

  constructor(limitS: number) {
    super(`the soft time limit of ${limitS} s is over`);
    this.limitS = limitS;
  }
}

/** Which of the four a thrown value is, or undefined. */
export function taskErrorKind(thrown: unknown): TaskErrorKind | undefined {
  return thrown instanceof Error ? (thrown as { readonly celeriacTaskError?: TaskErrorKind }).celeriacTaskError : undefined;
}
