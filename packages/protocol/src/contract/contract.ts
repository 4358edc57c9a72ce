import { checkParameters } from '../binding/parameters.ts';
import { CeleriacError } from '../errors/celeriac-error.ts';
import type { TaskNeeds } from '../routing/task-needs.ts';
import type { SchemaInput, SchemaOutput, StandardSchema } from './standard-schema.ts';

/**
 * A task's name and types, shared by producer and worker. Carries no code: the phantom fields exist for the compiler only.
 * `Args` and `Kwargs` are what a caller passes, `Result` what the task gives back.
 */
export interface Contract<
  Args extends readonly unknown[] = readonly unknown[],
  Kwargs extends object = Record<string, unknown>,
  Result = unknown,
> {
  /** Registered task name. */
  readonly name: string;
  /** Parameter names in order: `y?` is optional, `*rest` takes what is left, `**options` the other keyword arguments. */
  readonly params?: readonly string[];
  readonly argsSchema?: StandardSchema;
  readonly kwargsSchema?: StandardSchema;
  readonly resultSchema?: StandardSchema;
  /** Queue of calls that do not say another. */
  readonly queue?: string;
  /** What the task needs, wherever it is called from. Callers that know the worker pools send it to the smallest that has it. */
  readonly resources?: TaskNeeds;
  readonly '~types'?: { readonly args: Args; readonly kwargs: Kwargs; readonly result: Result };
}

/** Options of {@link contract}. Each schema is any Standard Schema. */
export interface ContractOptions {
  /** See {@link Contract.params}. Absent: keyword arguments are not bound and reach the task as `ctx.kwargs`. */
  readonly params?: readonly string[];
  readonly args?: StandardSchema;
  readonly kwargs?: StandardSchema;
  readonly result?: StandardSchema;
  /** Default: as routed. */
  readonly queue?: string;
  /** See {@link Contract.resources}. Read when it is used: a call with needs that cannot be read is refused. Default: none. */
  readonly resources?: TaskNeeds;
}

type AnyFunction = (...args: never[]) => unknown;
type WithSchema = ContractOptions &
  ({ readonly args: StandardSchema } | { readonly kwargs: StandardSchema } | { readonly result: StandardSchema });
type SchemaArgs<O> = O extends { readonly args: infer S extends StandardSchema }
  ? SchemaInput<S> extends readonly unknown[]
    ? SchemaInput<S>
    : readonly unknown[]
  : readonly unknown[];
type SchemaKwargs<O> = O extends { readonly kwargs: infer S extends StandardSchema }
  ? SchemaInput<S> extends object
    ? SchemaInput<S>
    : Record<string, unknown>
  : Record<string, unknown>;
type SchemaResultType<O> = O extends { readonly result: infer S extends StandardSchema } ? SchemaOutput<S> : unknown;

/**
 * Describes a task: by the type of its function, with parameter names where keyword calls shall bind, or by schemas.
 * Throws CELERIAC_E_CONFIG for an unusable name or parameter list.
 */
export function contract<const O extends WithSchema>(
  name: string,
  options: O,
): Contract<SchemaArgs<O>, SchemaKwargs<O>, SchemaResultType<O>>;
export function contract<F extends AnyFunction = (...args: readonly unknown[]) => unknown>(
  name: string,
  options?: ContractOptions,
): Contract<Parameters<F>, Record<string, unknown>, Awaited<ReturnType<F>>>;
export function contract(name: string, options: ContractOptions = {}): Contract<never, never> {
  if (typeof name !== 'string' || name === '' || name.length > 255)
    throw new CeleriacError('CELERIAC_E_CONFIG', 'A task name must have 1 to 255 characters.');
  const { params, args, kwargs, result, queue, resources } = options;
  if (params !== undefined) checkParameters(name, params);
  return Object.freeze({
    name,
    ...(params === undefined ? undefined : { params: Object.freeze([...params]) }),
    ...(args === undefined ? undefined : { argsSchema: args }),
    ...(kwargs === undefined ? undefined : { kwargsSchema: kwargs }),
    ...(result === undefined ? undefined : { resultSchema: result }),
    ...(queue === undefined ? undefined : { queue }),
    ...(resources === undefined ? undefined : { resources: Object.freeze({ ...resources }) }),
  });
}
