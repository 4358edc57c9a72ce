import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isCeleriacError } from '@celeriac/protocol';
import { afterAll, describe, expect, test } from 'vitest';
import { poolRig } from '../pool/rig.ts';

const folder = mkdtempSync(join(tmpdir(), 'celeriac-modules-'));
afterAll(() => rmSync(folder, { recursive: true }));

const SOURCE = JSON.stringify(new URL('../../src/tasks/define-task.ts', import.meta.url).pathname);
function moduleFile(name: string, text: string): string {
  const file = join(folder, name);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, text);
  return file;
}

async function startFailure(module: string): Promise<Error> {
  await using rig = poolRig({ modules: [module], slots: 2, cwd: folder });
  return await rig.pool.start().then(
    () => new Error('it started'),
    (error: Error) => error,
  );
}

describe('a module that fails to import is one error with file and line', () => {
  const inner = moduleFile('inner.ts', '\n\nthrow new Error("no database");\n');
  test.each([
    ['throws at the top', moduleFile('throws.ts', 'const a = 1;\nthrow new TypeError("boom");\n'), ':2', 'TypeError: boom'],
    ['imports one that throws', moduleFile('imports.ts', 'import "./inner.ts";\n'), ':3', 'no database'],
    [
      'imports a file that is not there',
      moduleFile('missing.ts', '// one\nimport { x } from "./nowhere.ts";\n'),
      ':2',
      'Cannot find module',
    ],
    [
      'imports a package that is not there',
      moduleFile('package.ts', '\n\nimport "no-such-package";\n'),
      ':3',
      "Cannot find package 'no-such-package'",
    ],
    [
      'imports a name that is not exported',
      moduleFile('name.ts', '\nimport { nothing } from "node:fs";\n'),
      ':2',
      "export named 'nothing'",
    ],
    ['has a syntax error in TypeScript', moduleFile('syntax.ts', 'const a: number = 1;\nconst b = ;\n'), ':2', 'SyntaxError'],
    ['has a syntax error in JavaScript', moduleFile('syntax.mjs', '\n\n\nconst b = ;\n'), ':4', "Unexpected token ';'"],
    ['uses an enum', moduleFile('enum.ts', '\nenum A { x }\n'), ':2', 'enum is not supported'],
    ['throws no error', moduleFile('five.ts', 'throw 5;\n'), '', 'it threw 5'],
  ])('%s', async (_what, file, line, text) => {
    const error = await startFailure(file);
    expect(isCeleriacError(error, 'CELERIAC_E_TASK_MODULE'), String(error)).toBe(true);
    const place = file.endsWith('imports.ts') ? inner : file;
    expect(error.message).toContain(`${place}${line}: `);
    expect(error.message).toContain(text);
  });
});

test('a file that is not there', async () => {
  const error = await startFailure('./nothing-here.ts');
  expect(error.message).toBe(
    `CELERIAC_E_TASK_MODULE: cannot import ./nothing-here.ts: there is no file ${join(folder, 'nothing-here.ts')}`,
  );
});

test('a package that is not there, and a file named without its ending', async () => {
  expect((await startFailure('no-such-package')).message).toContain(`there is no such file or package in ${folder}`);
  moduleFile('plain.ts', '');
  expect((await startFailure('plain')).message).toContain('did you mean plain.ts?');
});

test('a module without a task', async () => {
  const error = await startFailure(moduleFile('no-task.ts', 'export const a = 1;\n'));
  expect(isCeleriacError(error, 'CELERIAC_E_TASK_MODULE'), String(error)).toBe(true);
  expect(error.message).toContain('no-task.ts exports no task');
});

test('two modules with a task of one name', async () => {
  const text = `import { defineTask } from ${SOURCE};\nexport const one = defineTask('same.name', () => 1);\n`;
  const [a, b] = [moduleFile('same-a.ts', text), moduleFile('same-b.ts', text)];
  await using rig = poolRig({ modules: [a, b] });
  await expect(rig.pool.start()).rejects.toThrow(
    `CELERIAC_E_DUPLICATE_TASK: two tasks are named "same.name": export one of ${a} and export one of ${b}`,
  );
});

test('modules are given by relative path and by package name; what they export that is no task is left alone', async () => {
  moduleFile('relative.ts', `import { defineTask } from ${SOURCE};\nexport const a = defineTask('rel.a', () => 1);\nexport const b = 5;\n`);
  moduleFile('node_modules/their-tasks/package.json', '{"name":"their-tasks","type":"module","exports":{"import":"./main.mjs"}}');
  moduleFile(
    'node_modules/their-tasks/main.mjs',
    `import { defineTask } from ${SOURCE};\nexport const c = defineTask('pkg.c', { acksLate: false }, () => 1);\n`,
  );
  await using rig = poolRig({ modules: ['relative.ts', 'their-tasks'], cwd: folder });
  await expect(rig.pool.start()).resolves.toEqual({
    tasks: [
      { name: 'rel.a', options: {} },
      { name: 'pkg.c', options: { acksLate: false } },
      { name: 'celery.accumulate', options: {} },
    ],
  });
});
