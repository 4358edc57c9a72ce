import { CeleriacError, type Contract } from '@celeriac/protocol';
import type { TaskOptions } from './manifest.ts';
import { TASK_BRAND, type Task, type TaskFunction } from './task.ts';

/**
 * Defines a task: a contract or a name, policies (each with a default, see {@link TaskOptions}) and the function that serves it. A module given by
 * `-A` registers every task it exports. With a contract the argument and result types come from it; with a name they come from the function.
 * Throws CELERIAC_E_CONFIG where the name is empty or the function is missing.
 */
export function defineTask<Args extends readonly unknown[], Kwargs extends object, Result>(
  contract: Contract<Args, Kwargs, Result>,
  run: TaskFunction<Args, Result>,
): Task<Args, Result>;
export function defineTask<Args extends readonly unknown[], Kwargs extends object, Result>(
  contract: Contract<Args, Kwargs, Result>,
  options: TaskOptions,
  run: TaskFunction<Args, Result>,
): Task<Args, Result>;
export function defineTask<Args extends readonly unknown[], Result>(name: string, run: TaskFunction<Args, Result>): Task<Args, Result>;
export function defineTask<Args extends readonly unknown[], Result>(
  name: string,
  options: TaskOptions,
  run: TaskFunction<Args, Result>,
): Task<Args, Result>;
export function defineTask(
  contract: Contract | string,
  optionsOrRun: TaskOptions | TaskFunction<readonly never[], unknown>,
  run?: TaskFunction<readonly never[], unknown>,
): Task {
  const of = typeof contract === 'string' ? { name: contract } : contract;
  const body = typeof optionsOrRun === 'function' ? optionsOrRun : run;
  if (typeof of?.name !== 'string' || of.name === '')
    throw new CeleriacError('CELERIAC_E_CONFIG', 'defineTask needs a contract or a task name that is not empty');
  if (typeof body !== 'function')
    throw new CeleriacError('CELERIAC_E_CONFIG', `defineTask(${JSON.stringify(of.name)}) needs a function as its last argument`);
  const options = typeof optionsOrRun === 'function' ? {} : (optionsOrRun ?? {});
  return Object.freeze({ [TASK_BRAND]: true as const, name: of.name, options: Object.freeze({ ...options }), contract: of, run: body });
}
