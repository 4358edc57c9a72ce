import { type Dirent, readdirSync } from 'node:fs';
import { extname, join } from 'node:path';

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
