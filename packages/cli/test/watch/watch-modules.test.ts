import { mkdirSync, mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type ModuleWatch, watchModules } from '../../src/watch/watch-modules.ts';

let folder: string;
let watch: ModuleWatch;
let seen: (readonly string[])[];
let notice: (() => void) | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'celeriac-watch-'));
  mkdirSync(join(folder, 'lib'));
  write('tasks.ts', `import { word } from './lib/word.ts';`);
  write('lib/word.ts', '1');
  seen = [];
  watch = watchModules(['tasks.ts'], folder, (files) => {
    seen.push(files);
    notice?.();
  });
});
afterEach(() => {
  watch.close();
  rmSync(folder, { recursive: true, force: true });
});

const write = (path: string, text: string): void => writeFileSync(join(folder, path), text);

/** Does something and gives the next change that is told. */
async function after(change: () => void): Promise<readonly string[] | undefined> {
  const told = new Promise<void>((resolve) => (notice = resolve));
  change();
  await told;
  return seen.at(-1);
}

it('tells a changed file, and one that it imports, once for several writes', async () => {
  expect(await after(() => write('lib/word.ts', '2'))).toEqual(['lib/word.ts']);
  const both = await after(() => {
    write('tasks.ts', `import { word } from './lib/word.ts'; 1`);
    write('tasks.ts', `import { word } from './lib/word.ts'; 2`);
    write('lib/word.ts', '3');
  });
  expect(both?.toSorted()).toEqual(['lib/word.ts', 'tasks.ts']);
  expect(seen).toHaveLength(2);
});

it('tells of a file put in the place of another, and of one that comes only now', async () => {
  write('next', '// replaced');
  expect(await after(() => renameSync(join(folder, 'next'), join(folder, 'tasks.ts')))).toEqual(['tasks.ts']);
  expect(await after(() => write('tasks.ts', `import './more.ts';`))).toEqual(['tasks.ts']);
  expect(await after(() => write('more.ts', ''))).toEqual(['more.ts']);
  expect(await after(() => rmSync(join(folder, 'tasks.ts')))).toEqual(['tasks.ts']);
  expect(await after(() => write('tasks.ts', '// back'))).toEqual(['tasks.ts']);
});

it('says nothing of other files, of files no longer imported and of the same content', async () => {
  await after(() => write('tasks.ts', '// imports nothing'));
  write('lib/word.ts', '9');
  write('ledger.txt', 'a task wrote this');
  write('tasks.ts', '// imports nothing');
  utimesSync(join(folder, 'tasks.ts'), new Date(), new Date());
  // what is told next shows that none of it was
  expect(await after(() => write('tasks.ts', '// 2'))).toEqual(['tasks.ts']);
  expect(seen).toHaveLength(2);
});
