import { readFileSync, writeFileSync } from 'node:fs';

/** Puts a part, which begins with its heading, in the place of the one that a file of results has, or at the file's end. */
export function replacePart(file: string, heading: string, part: string): void {
  const sections = readFileSync(file, 'utf8').split(/^(?=## )/m);
  const at = sections.findIndex((section) => section.startsWith(`${heading}\n`));
  const ended = `${part.trimEnd()}\n\n`;
  const parts = at === -1 ? [...sections.slice(0, -1), `${sections.at(-1)?.trimEnd()}\n\n`, ended] : sections.with(at, ended);
  writeFileSync(file, `${parts.join('').trimEnd()}\n`);
}
