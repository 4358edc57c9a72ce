// The documents keep up with the code: links lead somewhere, flags exist, and TypeScript in them compiles.

import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { codeBlocks, headingAnchors, linksOf, mentionedFlags } from './markdown.ts';

const run = promisify(execFile);
const ROOT = resolve(import.meta.dirname, '../..');
const CLI = join(ROOT, 'packages/cli/src/main.ts');

const documents: readonly string[] = [
  ...readdirSync(ROOT).filter((name) => name.endsWith('.md')),
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
];
const textOf = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

async function help(...command: readonly string[]): Promise<string> {
  const { stdout } = await run(process.execPath, ['--conditions=@celeriac/source', CLI, ...command, '--help'], { cwd: ROOT });
  return stdout;
}

it('the relative links of every document lead to a file, and to a heading where they name one', () => {
  const dead: string[] = [];
  for (const file of documents) {
    for (const link of linksOf(textOf(file))) {
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? file : relative(ROOT, resolve(ROOT, dirname(file), path));
      const found = existsSync(join(ROOT, target));
      if (!found || (anchor !== undefined && !headingAnchors(textOf(target)).has(anchor))) dead.push(`${file}: ${link}`);
    }
  }
  expect(dead).toEqual([]);
});

describe('the command line', () => {
  it('has every command and flag that a document names', async () => {
    const missing: string[] = [];
    const helps = new Map<string, Promise<string>>();
    for (const file of documents) {
      for (const { command, flags } of mentionedFlags(textOf(file))) {
        const text = helps.get(command) ?? help(...command.split(' '));
        helps.set(command, text);
        const known = (await text.catch(() => '')).match(/(?<![\w-])--?[a-zA-Z][\w-]*/g);
        if (known === null) missing.push(`${file}: celeriac ${command}`);
        else missing.push(...flags.filter((flag) => !known.includes(flag)).map((flag) => `${file}: celeriac ${command} ${flag}`));
      }
    }
    expect(missing).toEqual([]);
    expect(helps.size).toBeGreaterThan(5);
  });

  it('has a row in the guide for every flag of the worker', async () => {
    const flags = (await help('worker')).match(/--[a-z][\w-]*/g)?.filter((flag) => flag !== '--help') ?? [];
    const guide = textOf('docs/guide/worker.md');
    expect(flags.length).toBeGreaterThan(10);
    expect(flags.filter((flag) => !guide.includes(`\`${flag}`))).toEqual([]);
  });
});

it('TypeScript in the guide compiles', async () => {
  mkdirSync(join(ROOT, '.cache'), { recursive: true });
  const folder = mkdtempSync(join(ROOT, '.cache/guide-'));
  try {
    let count = 0;
    for (const file of documents.filter((name) => name.startsWith('docs/guide/'))) {
      const own = join(folder, file.replaceAll('/', '-').replace(/\.md$/, ''));
      mkdirSync(own);
      for (const { text, line } of codeBlocks(textOf(file), 'ts')) {
        const name = /^\/\/ ([\w-]+\.ts)\n/.exec(text)?.[1] ?? `line-${line}.ts`;
        writeFileSync(join(own, name), `${text}\nexport {};\n`);
        count += 1;
      }
    }
    const config = {
      extends: '../../tsconfig.test.json',
      compilerOptions: { noUnusedLocals: false, noUnusedParameters: false },
      include: ['.'],
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
    const said = await run(join(ROOT, 'node_modules/.bin/tsc'), ['-p', folder], { cwd: folder }).then(
      ({ stdout }) => stdout,
      (error: { readonly stdout: string }) => error.stdout,
    );
    expect(said).toBe('');
    expect(count).toBeGreaterThan(8);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
