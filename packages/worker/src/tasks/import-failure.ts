import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A place in the user's code. */
export interface CodePlace {
  readonly file: string;
  /** 1-based, null where it is not known. */
  readonly line: number | null;
}

/** `    at name (file:///a/b.ts:3:7)` and `file:///a/b.ts:3`, with or without `file://`. */
const FRAME_PLACE = /(?:^|\(|at (?:async )?)((?:file:\/\/)?\/[^():\n]+):(\d+)(?::\d+)?\)?$/;
const IMPORTED_FROM = /imported from (.+?)$/;
const MISSING = /^Cannot find (?:module|package) '([^']+)'/;

/** Where in the user's code an import failed, or undefined where even the file is not known. `url` is the module that was asked for. */
export function whereImportFailed(error: unknown, url: string): CodePlace | undefined {
  if (!(error instanceof Error)) return placeOf(url, null);
  const missing = placeOfMissing(error);
  if (missing !== undefined) return missing;
  const inStack = placeInStack(error.stack ?? '');
  if (inStack !== undefined) return inStack;
  if (error instanceof SyntaxError && url.startsWith('file:')) return placeOfSyntaxError(url) ?? placeOf(url, null);
  return placeOf(url, null);
}

function placeOf(url: string, line: number | null): CodePlace | undefined {
  if (url.startsWith('file:')) return { file: fileURLToPath(url), line };
  return url.startsWith('/') ? { file: url, line } : undefined;
}

/** The first frame outside of Node, of installed packages and of the loader itself. */
function placeInStack(stack: string): CodePlace | undefined {
  for (const text of stack.split('\n')) {
    const match = FRAME_PLACE.exec(text.trim());
    if (match === null) continue;
    const file = match[1] as string;
    if (file.includes('/node_modules/') || isOurs(file)) continue;
    return placeOf(file, Number(match[2]));
  }
  return undefined;
}

function isOurs(file: string): boolean {
  return /\/(?:tasks\/(?:load-modules|define-task|registry)|pool\/prefork\/child-[a-z-]+)\.[jt]s$/.test(file);
}

/** A module that cannot be found: Node names the importing file; the line is the one that names what is missing. */
function placeOfMissing(error: Error): CodePlace | undefined {
  const importer = IMPORTED_FROM.exec(error.message)?.[1];
  const wanted = MISSING.exec(error.message)?.[1];
  if (importer === undefined || wanted === undefined || isOurs(importer)) return undefined;
  const place = placeOf(importer, null);
  if (place === undefined) return undefined;
  try {
    const name = wanted.slice(wanted.lastIndexOf('/') + 1);
    const line = readFileSync(place.file, 'utf8')
      .split('\n')
      .findIndex((text) => /import|from|require/.test(text) && text.includes(name));
    return { file: place.file, line: line < 0 ? null : line + 1 };
  } catch {
    return place;
  }
}

/**
 * Node keeps the place of a JavaScript syntax error to itself until the error ends a process, so one is made to end. Nothing of the module runs:
 * its syntax is read before.
 */
function placeOfSyntaxError(url: string): CodePlace | undefined {
  const code = `await import(${JSON.stringify(url)})`;
  try {
    const { stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8', timeout: 5_000, env: {} });
    return placeInStack(stderr.split('\n', 1)[0] ?? '');
  } catch {
    return undefined;
  }
}
