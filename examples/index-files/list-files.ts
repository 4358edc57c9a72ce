import { type Dirent, readdirSync } from 'node:fs';
import { extname, join, resolve } from 'node:path';

/** The repository's node_modules: real files that every machine has after the install. Paths of tasks and results are relative to it. */
export const INDEXED_FOLDER: string = resolve(import.meta.dirname, '../../node_modules');

const KINDS: ReadonlySet<string> = new Set(['.md', '.mdx', '.js', '.mjs', '.cjs', '.ts', '.mts', '.cts', '.json']);

/** Every Markdown, JavaScript, TypeScript and JSON file below a folder; links are not followed. */
export function* listFiles(folder: string): Generator<string> {
  let entries: Dirent[];
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch {
    return;
  }
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* listFiles(path);
    else if (entry.isFile() && KINDS.has(extname(entry.name))) yield path;
  }
}
