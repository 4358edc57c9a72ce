import { existsSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CeleriacError } from '@celeriac/protocol';
import { builtInTasks } from './built-in.ts';
import { whereImportFailed } from './import-failure.ts';
import { TaskRegistry } from './registry.ts';

/** Whether a module is named by path rather than as a package. */
export function isModulePath(specifier: string, cwd: string): boolean {
  return isAbsolute(specifier) || specifier.startsWith('.') || specifier.startsWith('file:') || existsSync(resolve(cwd, specifier));
}

/**
 * Imports task modules and registers what they export. A specifier is a path (relative to `cwd`; `.ts`, `.js`, `.mjs`) or a package name, which
 * `resolvePackage` turns into a URL as seen from `cwd`. Throws CELERIAC_E_TASK_MODULE with file and line of the user's code, and
 * CELERIAC_E_DUPLICATE_TASK.
 */
export async function loadTaskModules(
  specifiers: readonly string[],
  cwd: string,
  resolvePackage: (specifier: string) => string,
): Promise<TaskRegistry> {
  const registry = new TaskRegistry();
  for (const specifier of specifiers) {
    let url = specifier;
    try {
      if (isMissingFile(specifier, cwd)) throw noSuchFile(specifier, cwd);
      if (!isModulePath(specifier, cwd)) url = packageUrl(specifier, cwd, resolvePackage);
      else if (!specifier.startsWith('file:')) url = pathToFileURL(resolve(cwd, specifier)).href;
      registry.addModule((await import(url)) as Record<string, unknown>, specifier);
    } catch (error) {
      if (error instanceof CeleriacError && isTold(error)) throw error;
      throw moduleError(specifier, url, error);
    }
  }
  if (registry.manifest().tasks.length === 0) {
    const text = `${specifiers.join(', ')} ${specifiers.length === 1 ? 'exports' : 'export'} no task; a task is what defineTask returns, exported`;
    throw new CeleriacError('CELERIAC_E_TASK_MODULE', text, { data: { module: specifiers[0], file: null, line: null } });
  }
  for (const task of builtInTasks) if (registry.get(task.name) === undefined) registry.add(task, 'celeriac');
  return registry;
}

/** Whether a specifier can only be meant as a file, and there is none. */
function isMissingFile(specifier: string, cwd: string): boolean {
  return (
    /\.[cm]?[jt]s$/.test(specifier) && !specifier.startsWith('file:') && !specifier.startsWith('@') && !existsSync(resolve(cwd, specifier))
  );
}

function noSuchFile(specifier: string, cwd: string): CeleriacError {
  const text = `cannot import ${specifier}: there is no file ${resolve(cwd, specifier)}`;
  return new CeleriacError('CELERIAC_E_TASK_MODULE', text, { data: { module: specifier, file: null, line: null } });
}

function packageUrl(specifier: string, cwd: string, resolvePackage: (specifier: string) => string): string {
  try {
    return resolvePackage(specifier);
  } catch (cause) {
    const meant = ['.ts', '.js', '.mjs'].map((ending) => specifier + ending).find((file) => existsSync(resolve(cwd, file)));
    if (meant === undefined && !/Cannot find (?:module|package)/.test(String(cause))) throw cause;
    const text = `cannot import ${specifier}: there is no such file or package in ${cwd}${meant === undefined ? '' : `; did you mean ${meant}?`}`;
    throw new CeleriacError('CELERIAC_E_TASK_MODULE', text, { data: { module: specifier, file: null, line: null }, cause });
  }
}

function isTold({ code }: CeleriacError): boolean {
  return code === 'CELERIAC_E_DUPLICATE_TASK' || code === 'CELERIAC_E_TASK_MODULE';
}

function moduleError(specifier: string, url: string, error: unknown): CeleriacError {
  const at = whereImportFailed(error, url);
  const place = at === undefined ? '' : ` at ${at.file}${at.line === null ? '' : `:${at.line}`}`;
  const text = error instanceof Error ? `${error.name}: ${error.message}` : `it threw ${String(error)}`;
  return new CeleriacError('CELERIAC_E_TASK_MODULE', `cannot import ${specifier}${place}: ${text}`, {
    data: { module: specifier, file: at?.file ?? null, line: at?.line ?? null },
    cause: error,
  });
}
