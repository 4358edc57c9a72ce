import type { Contract } from '@celeriac/protocol';
import type { RetryOptions } from './task-errors.ts';

/** Log lines of a task; the worker adds the task's id and name. */
export interface TaskLog {
  debug(text: string, fields?: Readonly<Record<string, unknown>>): void;
  info(text: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(text: string, fields?: Readonly<Record<string, unknown>>): void;
  error(text: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** What a task is handed as its first argument: the request it serves, and what it may ask of its worker. */
export interface TaskContext {
  /** Task id. */
  readonly id: string;
  /** Registered task name. */
  readonly name: string;
  readonly rootId: string;
  readonly parentId: string | null;
  /** Runs before this one, 0 for the first. */
  readonly retries: number;
  /** Routing key the message came by: the queue name where it was published to the default exchange. */
  readonly queue: string;
  /** Custom headers of the message. */
  readonly headers: Readonly<Record<string, unknown>>;
  /** Positional arguments as the message has them. */
  readonly args: readonly unknown[];
  /** Keyword arguments as the message has them; without a prototype. Where the contract has `params` they are bound to the parameters too. */
  readonly kwargs: Readonly<Record<string, unknown>>;
  /** Aborts with SoftTimeLimitExceeded at the soft limit. */
  readonly signal: AbortSignal;
  readonly log: TaskLog;
  /** Ends this run and asks for another; never returns. Throws {@link Retry}: let it through. */
  retry(options?: RetryOptions): never;
  /**
   * Publishes a call of another task, with this task as its parent; resolves with its id when the broker has it. A call that is not awaited still
   * counts: the task ends after it, and fails if it failed.
   */
  call<Args extends readonly unknown[]>(task: Contract<Args>, ...args: Args): Promise<string>;
  call(name: string, ...args: readonly unknown[]): Promise<string>;
}
