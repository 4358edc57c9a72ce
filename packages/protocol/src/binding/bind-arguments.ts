import { CeleriacError } from '../errors/celeriac-error.ts';

/**
 * Maps args and kwargs onto parameters as a Python call does, and returns them in order: optional ones that are absent are undefined (left out at the
 * end), `**options` is an object without prototype, `*rest` is spread at the end.
 * Throws CELERIAC_E_ARGUMENTS with the text of Python's TypeError in `data.pythonMessage`, for example
 * `add() missing 1 required positional argument: 'y'`. `params` must have passed `checkParameters`.
 */
export function bindArguments(
  name: string,
  params: readonly string[],
  args: readonly unknown[],
  kwargs: Readonly<Record<string, unknown>>,
): readonly unknown[] {
  const keywords = Object.keys(kwargs);
  const last = params[params.length - 1];
  const variadic = last?.startsWith('*') === true;
  if (keywords.length === 0 && args.length === params.length && !variadic) return args;

  const positional = params.filter((param) => !param.startsWith('*'));
  const names = positional.map((param) => (param.endsWith('?') ? param.slice(0, -1) : param));
  const optionsAt = params.findIndex((param) => param.startsWith('**'));
  const takesRest = variadic && last?.startsWith('**') === false;
  const call = `${name.slice(name.lastIndexOf('.') + 1)}()`;

  const bound: unknown[] = args.slice(0, positional.length);
  const filled: boolean[] = bound.map(() => true);
  let options: Record<string, unknown> | undefined;
  for (const keyword of keywords) {
    const at = names.indexOf(keyword);
    if (at < 0) {
      if (optionsAt < 0) throw typeError(`${call} got an unexpected keyword argument '${keyword}'`);
      options ??= Object.create(null) as Record<string, unknown>;
      options[keyword] = kwargs[keyword];
    } else {
      if (filled[at] === true) throw typeError(`${call} got multiple values for argument '${keyword}'`);
      while (bound.length < at) bound.push(undefined);
      bound[at] = kwargs[keyword];
      filled[at] = true;
    }
  }
  if (args.length > positional.length && !takesRest) throw typeError(tooMany(call, positional, args.length));
  const missing = names.filter((_, at) => filled[at] !== true && positional[at]?.endsWith('?') === false);
  if (missing.length > 0) throw typeError(missingText(call, missing));

  const rest = takesRest ? args.slice(positional.length) : [];
  if (optionsAt >= 0) {
    while (bound.length < positional.length) bound.push(undefined);
    bound.push(options ?? (Object.create(null) as Record<string, unknown>));
  }
  if (rest.length === 0) return bound;
  return [...bound, ...rest];
}

function tooMany(call: string, positional: readonly string[], given: number): string {
  const most = positional.length;
  const least = positional.filter((param) => !param.endsWith('?')).length;
  const takes = least === most ? `${most}` : `from ${least} to ${most}`;
  const plural = least === most && most === 1 ? '' : 's';
  return `${call} takes ${takes} positional argument${plural} but ${given} ${given === 1 ? 'was' : 'were'} given`;
}

function missingText(call: string, names: readonly string[]): string {
  const quoted = names.map((name) => `'${name}'`);
  const last = quoted[quoted.length - 1];
  const list =
    quoted.length === 1 ? last : quoted.length === 2 ? `${quoted[0]} and ${last}` : `${quoted.slice(0, -1).join(', ')}, and ${last}`;
  return `${call} missing ${names.length} required positional argument${names.length === 1 ? '' : 's'}: ${list}`;
}

function typeError(pythonMessage: string): CeleriacError {
  return new CeleriacError('CELERIAC_E_ARGUMENTS', pythonMessage, { data: { pythonMessage } });
}
