import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface LockedPackage {
  /** What a component of a bill of materials says beside its name and version. */
  readonly facts: { readonly licenses?: readonly object[]; readonly hashes?: readonly object[] };
  /** `name@version` of what it needs. */
  readonly dependsOn: readonly string[];
}

interface NpmBom {
  readonly components: readonly {
    readonly 'bom-ref': string;
    readonly licenses?: readonly object[];
    readonly hashes?: readonly object[];
  }[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

/**
 * Every package of the lock by `name@version`, as `npm sbom` tells. Development tools are among them: with `--omit dev` npm 11 leaves out
 * what both they and we use.
 */
export function lockedPackages(root: string): ReadonlyMap<string, LockedPackage> {
  const folder = mkdtempSync(join(tmpdir(), 'celeriac-lock-'));
  try {
    // npm has no name for a root without a version
    const description = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as object;
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ ...description, version: '0.0.0' }));
    cpSync(join(root, 'package-lock.json'), join(folder, 'package-lock.json'));
    for (const name of readdirSync(join(root, 'packages'))) {
      mkdirSync(join(folder, 'packages', name), { recursive: true });
      cpSync(join(root, 'packages', name, 'package.json'), join(folder, 'packages', name, 'package.json'));
    }
    const args = ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only'];
    const { status, stdout, stderr, error } = spawnSync('npm', args, { cwd: folder, encoding: 'utf8', maxBuffer: 64 << 20 });
    if (error !== undefined || status !== 0) throw new Error(`npm sbom: ${error?.message ?? stderr.trim()}`);
    const { components, dependencies } = JSON.parse(stdout) as NpmBom;
    const needs = new Map(dependencies.map(({ ref, dependsOn }) => [ref, dependsOn]));
    return new Map(
      components.map(({ 'bom-ref': ref, licenses, hashes }) => [
        ref,
        {
          facts: { ...(licenses === undefined ? {} : { licenses }), ...(hashes === undefined ? {} : { hashes }) },
          dependsOn: needs.get(ref) ?? [],
        },
      ]),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
