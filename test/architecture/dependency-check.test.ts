import { execFile } from 'node:child_process';
import { appendFileSync, cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageSources, ROOT } from './source-files.ts';

interface Violation {
  readonly rule: string;
  readonly from: string;
  readonly to: string;
}

interface Cruise {
  readonly modules: readonly string[];
  readonly violations: readonly Violation[];
}

/** Runs dependency-cruiser as the lint does, in the given tree. */
function cruise(tree: string): Promise<Cruise> {
  return new Promise((resolve, reject) => {
    const program = join(ROOT, 'node_modules/.bin/depcruise');
    const args = ['--config', '.dependency-cruiser.mjs', '--output-type', 'json', 'packages'];
    execFile(program, args, { cwd: tree, maxBuffer: 256 << 20 }, (error, stdout, stderr) => {
      if (stdout === '') {
        reject(new Error(`depcruise said nothing: ${error?.message} ${stderr}`));
        return;
      }
      const result = JSON.parse(stdout) as {
        modules: { source: string }[];
        summary: { violations: { from: string; to: string; rule: { name: string } }[] };
      };
      resolve({
        modules: result.modules.map((module) => module.source),
        violations: result.summary.violations.map(({ from, to, rule }) => ({ rule: rule.name, from, to })),
      });
    });
  });
}

/** A copy of the packages' sources in which the packages find one another, and every other dependency where it is installed. */
function copyTree(): string {
  const tree = mkdtempSync(join(tmpdir(), 'celeriac-cruise-'));
  for (const file of ['.dependency-cruiser.mjs', 'package.json']) cpSync(join(ROOT, file), join(tree, file));
  mkdirSync(join(tree, 'node_modules/@celeriac'), { recursive: true });
  for (const name of readdirSync(join(ROOT, 'node_modules'))) {
    if (!name.startsWith('.') && name !== '@celeriac' && name !== 'celeriac') {
      symlinkSync(join(ROOT, 'node_modules', name), join(tree, 'node_modules', name));
    }
  }
  for (const name of readdirSync(join(ROOT, 'packages'))) {
    cpSync(join(ROOT, 'packages', name, 'src'), join(tree, 'packages', name, 'src'), { recursive: true });
    cpSync(join(ROOT, 'packages', name, 'package.json'), join(tree, 'packages', name, 'package.json'));
    symlinkSync(join(tree, 'packages', name), join(tree, 'node_modules/@celeriac', name));
  }
  return tree;
}

describe('the dependency check', () => {
  let tree: string;
  let planted: Cruise;

  beforeAll(async () => {
    tree = copyTree();
    const plant = (path: string, text: string): void => writeFileSync(join(tree, 'packages', path), text);
    plant('protocol/src/planted-a.ts', "import { b } from './planted-b.ts';\nexport const a = (): number => b() + 1;\n");
    plant('protocol/src/planted-b.ts', "import { a } from './planted-a.ts';\nexport const b = (): number => a() + 1;\n");
    plant('protocol/src/planted-c.ts', "import type { D } from './planted-d.ts';\nexport interface C { d: D }\n");
    plant('protocol/src/planted-d.ts', "import type { C } from './planted-c.ts';\nexport interface D { c: C }\n");
    plant('producer/src/planted-edge.ts', "import type { defineTask } from '@celeriac/worker';\nexport type X = typeof defineTask;\n");
    plant('worker/src/planted-using.ts', "export async function f(): Promise<void> {\n  await using x = await import('ioredis');\n}\n");
    plant('autoscaler/src/planted-path.ts', "export { startRun } from '../../worker/src/planted-using.ts';\n");
    plant('embedded/src/planted-protocol.ts', "import { CeleriacError } from '@celeriac/protocol';\nexport const e = CeleriacError;\n");
    plant('protocol/src/planted-io.ts', "import { readFileSync } from 'node:fs';\nexport const read = readFileSync;\n");
    appendFileSync(join(tree, 'packages/brokers/src/transports/delivery.ts'), "import './memory/memory-broker.ts';\n");
    planted = await cruise(tree);
  });
  afterAll(() => rmSync(tree, { recursive: true, force: true }));

  const rulesAt = (path: string): string[] => planted.violations.filter(({ from }) => from === `packages/${path}`).map(({ rule }) => rule);

  it.each([
    ['a cycle of values', 'protocol/src/planted-a.ts', 'no-cycles'],
    ['a cycle of types', 'protocol/src/planted-c.ts', 'no-cycles'],
    ['a type import over a forbidden package edge', 'producer/src/planted-edge.ts', 'producer-imports-only-protocol-brokers'],
    ['a driver away from home, behind `await using`', 'worker/src/planted-using.ts', 'only-its-home-imports-ioredis'],
    ['a path into another package', 'autoscaler/src/planted-path.ts', 'autoscaler-imports-only-protocol-brokers'],
    ['the embedded broker leaning on the protocol', 'embedded/src/planted-protocol.ts', 'embedded-imports-only-itself'],
    ['input and output in the protocol', 'protocol/src/planted-io.ts', 'protocol-does-no-io'],
    ['an interface that imports code', 'brokers/src/transports/delivery.ts', 'interfaces-import-types-only'],
  ])('sees %s', (_what, path, rule) => {
    expect(rulesAt(path)).toContain(rule);
  });

  it('reads every source file of the repository and finds nothing', async () => {
    const real = await cruise(ROOT);
    expect(real.modules.length).toBeGreaterThan(50);
    expect(
      packageSources()
        .map((file) => file.path)
        .filter((path) => !real.modules.includes(path)),
    ).toEqual([]);
    expect(real.violations).toEqual([]);
  });
});
