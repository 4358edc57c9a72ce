import type { Contract } from '@celeriac/protocol';
import type { TaskOptions } from './manifest.ts';
import type { TaskContext } from './task-context.ts';

/** Marks task objects; by key, because two copies of this package may live in one process. */
export const TASK_BRAND: unique symbol = Symbol.for('celeriac.task');

/** The user's function: the context, then the arguments. */
export type TaskFunction<Args extends readonly unknown[], Result> = (ctx: TaskContext, ...args: Args) => Result | Promise<Result>;

/** A contract of any types. */
export type AnyContract = Pick<Contract, 'name' | 'params' | 'argsSchema' | 'kwargsSchema' | 'resources'>;

/** What {@link defineTask} makes: a contract, its policies and the function that serves it. Export it from a task module to register it. */
export interface Task<Args extends readonly unknown[] = readonly never[], Result = unknown> {
  readonly [TASK_BRAND]: true;
  readonly name: string;
  readonly options: TaskOptions;
  readonly contract: AnyContract;
  readonly run: TaskFunction<Args, Result>;
}

/** Whether a value, such as an export of a module, is a task. */
export function isTask(value: unknown): value is Task {
  return typeof value === 'object' && value !== null && (value as { readonly [TASK_BRAND]?: unknown })[TASK_BRAND] === true;
}
