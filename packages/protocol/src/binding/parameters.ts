import { CeleriacError } from '../errors/celeriac-error.ts';

const NAME = /^(?:\*{0,2}[A-Za-z_$][\w$]*|[A-Za-z_$][\w$]*\?)$/;

/**
 * Checks a parameter list: `x`, `y?` (optional), `*rest` (last), `**options` (last but for `*rest`), each name once, none required after an optional one.
 * Throws CELERIAC_E_CONFIG.
 */
export function checkParameters(task: string, params: readonly string[]): void {
  const fail = (what: string): never => {
    throw new CeleriacError('CELERIAC_E_CONFIG', `The params of ${task} ${what}.`);
  };
  const names = new Set<string>();
  let optional = false;
  params.forEach((param, at) => {
    if (typeof param !== 'string' || !NAME.test(param)) fail(`have an unusable name at position ${at}; write x, y?, *rest or **options`);
    const name = param.replace(/^\*+|\?$/g, '');
    if (names.has(name)) fail(`name ${name} twice`);
    names.add(name);
    if (param.startsWith('**')) {
      if (params.slice(at + 1).some((later) => later.startsWith('**') || !later.startsWith('*'))) fail(`have something after ${param}`);
    } else if (param.startsWith('*')) {
      if (at !== params.length - 1) fail(`have something after ${param}, which must be last`);
    } else if (param.endsWith('?')) optional = true;
    else if (optional) fail(`have the required ${param} after an optional one`);
  });
}
