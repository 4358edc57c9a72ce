import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { type SpawnedProcess, type SpawnOptions, spawnProcess } from './spawned-process.ts';

const ROOT = resolve(import.meta.dirname, '..');
const NODE_22 = process.env['CELERIAC_NODE_22'] ?? resolve(ROOT, '.cache/node22/node_modules/.bin/node');
const BUILT_CLI = resolve(ROOT, 'packages/cli/dist/main.js');

/** Starts the built `celeriac ...` on the oldest supported Node, which `npm test` installs into .cache/node22. */
export function startBuiltCeleriac(args: readonly string[], options: SpawnOptions = {}): SpawnedProcess {
  for (const file of [NODE_22, BUILT_CLI]) if (!existsSync(file)) throw new Error(`${file} is not there; npm test installs and builds it`);
  return spawnProcess(NODE_22, [BUILT_CLI, ...args], { cwd: ROOT, group: true, ...options, env: { NO_COLOR: '1', ...options.env } });
}
