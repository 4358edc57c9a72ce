import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { moduleFiles } from '../../src/watch/module-files.ts';

const folder = mkdtempSync(join(tmpdir(), 'celeriac-files-'));
afterAll(() => rmSync(folder, { recursive: true }));

function write(files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

const found = (modules: readonly string[]): string[] => [...moduleFiles(modules, folder)].map((file) => relative(folder, file)).sort();

it('follows relative imports of every form, also in circles, and nothing installed', () => {
  write({
    'tasks.ts': `import { a } from './a.ts';\nimport './effect.mjs';\nexport * from "./deep/b.ts";\nimport lib from 'lib';\nimport x from './node_modules/lib/index.js';`,
    'a.ts': `const c = await import('./c.js');\nimport type { T } from './types.ts';\nimport { tasks } from './tasks.ts';`,
    'effect.mjs': '',
    'deep/b.ts': `import data from '../data.json' with { type: 'json' };`,
    'data.json': `{ "from": "from './nothing.ts'" }`,
    'c.js': `const old = require('./old');`,
    'old.cjs': '',
    'types.ts': '',
    'unrelated.ts': '',
    'node_modules/lib/index.js': '',
  });
  expect(found(['tasks.ts'])).toEqual(['a.ts', 'c.js', 'data.json', 'deep/b.ts', 'effect.mjs', 'old.cjs', 'tasks.ts', 'types.ts']);
});

it('keeps a file that is imported and not there, and leaves out packages', () => {
  write({ 'new.ts': `import { later } from './later.ts';` });
  expect(found(['new.ts', '@scope/tasks', 'lib'])).toEqual(['later.ts', 'new.ts']);
});
