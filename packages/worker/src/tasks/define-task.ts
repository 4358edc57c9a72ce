import { CeleriacError, type Contract, mergeNeeds, readNeeds, type TaskNeeds } from '@celeriac/protocol';
import type { TaskOptions } from './manifest.ts';
import { type AnyContract, TASK_BRAND, type Task, type TaskFunction } from './task.ts';

type TypedContract = AnyContract & Pick<Contract<readonly unknown[], object>, '~types'>;
type TypesOf<C extends TypedContract> = NonNullable<C['~types']>;
// Taken from the contract alone: inferred together with the function, optional arguments would be lost.
type ArgsOf<C extends TypedContract> = TypesOf<C>['args'];
type ResultOf<C extends TypedContract> = TypesOf<C>['result'];

/**
 * Defines a task: a contract or a name, policies (each with a default, see {@link TaskOptions}) and the function that serves it. A module given by
 * `-A` registers every task it exports. With a contract the argument and result types come from it; with a name they come from the function.
 * Throws CELERIAC_E_CONFIG where the name is empty, the function is missing, or what the task needs cannot be read.
 */
export function defineTask<C extends TypedContract>(contract: C, run: TaskFunction<ArgsOf<C>, ResultOf<C>>): Task<ArgsOf<C>, ResultOf<C>>;
export function defineTask<C extends TypedContract>(
  contract: C,
  options: TaskOptions,
  run: TaskFunction<ArgsOf<C>, ResultOf<C>>,
): Task<ArgsOf<C>, ResultOf<C>>;
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
  const resources = mergeNeeds(of.resources, options.resources);
  if (resources !== undefined) refuseFaulty(of.name, resources);
  const settled = Object.freeze({ ...options, ...(resources === undefined ? undefined : { resources }) });
  return Object.freeze({ [TASK_BRAND]: true as const, name: of.name, options: settled, contract: of, run: body });
}

function refuseFaulty(name: string, resources: TaskNeeds): void {
  const read = readNeeds(resources);
  if (read.kind === 'needs') return;
  const text = `resources of defineTask(${JSON.stringify(name)}): ${read.faults.join('; ')}`;
  throw new CeleriacError('CELERIAC_E_CONFIG', text, { data: { task: name, faults: read.faults } });
}
