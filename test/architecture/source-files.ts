import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';

export const ROOT: string = resolve(import.meta.dirname, '../..');

export interface SourceFile {
  /** From the repository's root, with forward slashes. */
  readonly path: string;
  readonly text: string;
  /** The text with comments blanked out; line numbers stay. */
  readonly code: string;
}

/** The TypeScript files below these folders, without node_modules, dist and fixtures. */
export function sourceFiles(...folders: readonly string[]): readonly SourceFile[] {
  return folders.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((file) => !/\/(node_modules|dist|fixtures)\//.test(file))
      .map((file) => {
        const text = readFileSync(file, 'utf8');
        return { path: relative(ROOT, file), text, code: withoutComments(text) };
      }),
  );
}

/** The `src` folder of every package. */
export function packageSources(): readonly SourceFile[] {
  return sourceFiles(...readdirSync(join(ROOT, 'packages')).map((name) => `packages/${name}/src`));
}

/** `path:line: text` of every line of code that matches. */
export function findings(files: readonly SourceFile[], pattern: RegExp): readonly string[] {
  return files.flatMap((file) =>
    file.code.split('\n').flatMap((line, index) => (pattern.test(line) ? [`${file.path}:${index + 1}: ${line.trim()}`] : [])),
  );
}

/** Blanks comments; knows strings and templates well enough not to take a `//` in a URL for one. */
export function withoutComments(text: string): string {
  return text.replace(
    /("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)|\/\/[^\n]*|\/\*[\s\S]*?\*\//g,
    (found: string, literal: string | undefined) => literal ?? found.replace(/[^\n]/g, ' '),
  );
}

/** The same file with strings and templates emptied, for rules about words that may be in a message or in another program's text. */
export function withoutStrings(file: SourceFile): SourceFile {
  const emptied = (found: string): string => `''${found.replace(/[^\n]/g, '')}`;
  return { ...file, code: file.code.replace(/'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/g, emptied) };
}
