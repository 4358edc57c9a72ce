import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, extname, resolve, sep } from 'node:path';

/** `from './a.ts'`, `import './a.ts'`, `import('./a.ts')`, `require('./a')`. */
const RELATIVE_IMPORT = /\b(?:from|import|require)\s*\(?\s*(['"`])(\.{1,2}\/[^'"`\n]+)\1/g;
const GUESSED = ['.ts', '.js', '.mjs', '.cjs', '.json', '/index.ts', '/index.js'];
const READ_ON: ReadonlySet<string> = new Set(['.ts', '.mts', '.cts', '.js', '.mjs', '.cjs', '']);
const INSTALLED = `${sep}node_modules${sep}`;

/**
 * The files of task modules: those named by path, and whatever they import by a relative path, and so on; nothing below `node_modules`. A
 * file that is imported and does not exist is among them, since its coming changes something. Absolute paths.
 */
export function moduleFiles(modules: readonly string[], cwd: string): ReadonlySet<string> {
  const found = new Set<string>();
  const waiting = modules.map((module) => resolve(cwd, module)).filter((file) => isFile(file));
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (found.has(file) || file.includes(INSTALLED)) continue;
    found.add(file);
    if (READ_ON.has(extname(file))) waiting.push(...importsOf(file));
  }
  return found;
}

function importsOf(file: string): string[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return [];
  }
  return Array.from(text.matchAll(RELATIVE_IMPORT), ([, , specifier = '']) => {
    const path = resolve(dirname(file), specifier);
    return isFile(path) ? path : (GUESSED.map((end) => `${path}${end}`).find(existsSync) ?? path);
  });
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}
