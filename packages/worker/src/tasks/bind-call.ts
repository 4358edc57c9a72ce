import { bindArguments, CeleriacError } from '@celeriac/protocol';
import type { AnyContract } from './task.ts';

/** What a task's function is called with. */
export interface BoundCall {
  readonly args: readonly unknown[];
  readonly kwargs: Readonly<Record<string, unknown>>;
}

interface Schema {
  readonly '~standard': { validate(value: unknown): unknown };
}

type Checked = { readonly value: unknown; readonly issues?: undefined } | { readonly issues: readonly Issue[] };
interface Issue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/**
 * Maps the arguments of a message onto a task's parameters and checks them against its schemas, whose output replaces them. With `params` the
 * keyword arguments are bound as Python binds them, and the schema of `args` sees what was bound. A promise only where a schema is asynchronous.
 * Throws (or rejects with) CELERIAC_E_ARGUMENTS.
 */
export function bindCall(
  contract: AnyContract,
  args: readonly unknown[],
  kwargs: Readonly<Record<string, unknown>>,
): BoundCall | Promise<BoundCall> {
  const bound = contract.params === undefined ? args : bindArguments(contract.name, contract.params, args, kwargs);
  const { argsSchema, kwargsSchema } = contract;
  if (argsSchema === undefined && kwargsSchema === undefined) return { args: bound, kwargs };
  const checkedArgs = argsSchema === undefined ? bound : check(contract.name, 'args', argsSchema, bound);
  const checkedKwargs = kwargsSchema === undefined ? kwargs : check(contract.name, 'kwargs', kwargsSchema, kwargs);
  if (checkedArgs instanceof Promise || checkedKwargs instanceof Promise)
    return Promise.all([checkedArgs, checkedKwargs]).then(([a, k]) => asCall(contract.name, a, k));
  return asCall(contract.name, checkedArgs, checkedKwargs);
}

function asCall(name: string, args: unknown, kwargs: unknown): BoundCall {
  if (!Array.isArray(args)) throw new CeleriacError('CELERIAC_E_ARGUMENTS', `${name}() the args schema did not yield an array`);
  return { args, kwargs: kwargs as Readonly<Record<string, unknown>> };
}

function check(name: string, what: 'args' | 'kwargs', schema: Schema, value: unknown): unknown {
  const outcome = schema['~standard'].validate(value);
  if (outcome instanceof Promise) return outcome.then((checked) => accept(name, what, checked as Checked));
  return accept(name, what, outcome as Checked);
}

function accept(name: string, what: 'args' | 'kwargs', checked: Checked): unknown {
  if (checked.issues === undefined) return checked.value;
  const texts = checked.issues.slice(0, 3).map((issue) => `${[what, ...(issue.path ?? []).map(keyText)].join('.')}: ${issue.message}`);
  const more = checked.issues.length > 3 ? `; and ${checked.issues.length - 3} more` : '';
  throw new CeleriacError('CELERIAC_E_ARGUMENTS', `${name}() ${texts.join('; ')}${more}`);
}

function keyText(part: PropertyKey | { readonly key: PropertyKey }): string {
  return String(typeof part === 'object' ? part.key : part);
}
