import { bindArguments, CeleriacError, type Contract, type SchemaResult } from '@celeriac/protocol';

export interface CallValues {
  readonly args: readonly unknown[];
  readonly kwargs: Readonly<Record<string, unknown>>;
}

/**
 * Checks a call against its contract before it is sent: arguments must bind to `params`, and pass the schemas, whose output is what
 * travels. Synchronous unless a schema is not.
 * @throws CeleriacError CELERIAC_E_ARGUMENTS naming task, place and complaint
 */
export function validateCall(
  contract: Contract,
  args: readonly unknown[],
  kwargs: Readonly<Record<string, unknown>>,
): CallValues | Promise<CallValues> {
  if (contract.params !== undefined) bindArguments(contract.name, contract.params, args, kwargs);
  const { argsSchema, kwargsSchema } = contract;
  if (argsSchema === undefined && kwargsSchema === undefined) return { args, kwargs };
  const checkedArgs = argsSchema?.['~standard'].validate(args) ?? { value: args };
  const checkedKwargs = kwargsSchema?.['~standard'].validate(kwargs) ?? { value: kwargs };
  if (checkedArgs instanceof Promise || checkedKwargs instanceof Promise) {
    return Promise.all([checkedArgs, checkedKwargs]).then(([left, right]) => valuesOf(contract.name, left, right));
  }
  return valuesOf(contract.name, checkedArgs, checkedKwargs);
}

function valuesOf(name: string, args: SchemaResult<unknown>, kwargs: SchemaResult<unknown>): CallValues {
  return {
    args: checkedValue(name, 'args', args) as readonly unknown[],
    kwargs: checkedValue(name, 'kwargs', kwargs) as Readonly<Record<string, unknown>>,
  };
}

function checkedValue(name: string, where: string, checked: SchemaResult<unknown>): unknown {
  if (checked.issues === undefined) return checked.value;
  const complaints = checked.issues.map((issue) => {
    const path = (issue.path ?? []).map((part) => String(typeof part === 'object' ? part.key : part));
    return `${[where, ...path].join('.')}: ${issue.message}`;
  });
  throw new CeleriacError('CELERIAC_E_ARGUMENTS', `${name} was not sent: ${complaints.join('; ')}`, { data: { task: name } });
}
