// Our own command line, started from the sources as a user would start it from the shell.

import { resolve } from 'node:path';
import { type SpawnedProcess, type SpawnOptions, spawnProcess } from './spawned-process.ts';

const ROOT = resolve(import.meta.dirname, '..');
const CLI = resolve(ROOT, 'packages/cli/src/main.ts');
const NODE = process.execPath;

/** Starts `celeriac ...` from source, in a process group of its own. */
export function startCeleriac(args: readonly string[], options: SpawnOptions = {}): SpawnedProcess {
  const env = { NO_COLOR: '1', ...options.env };
  return spawnProcess(NODE, ['--conditions=@celeriac/source', CLI, ...args], { cwd: ROOT, group: true, ...options, env });
}

/** Runs `celeriac ...` to its end. `output` holds standard output and standard error together. */
export async function runCeleriac(
  args: readonly string[],
  options: SpawnOptions & { readonly timeoutMs?: number } = {},
): Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null; readonly stdout: string; readonly output: string }> {
  const command = startCeleriac(args, options);
  let stdout = '';
  command.child.stdout?.on('data', (chunk: string) => {
    stdout += chunk;
  });
  const timer = setTimeout(() => void command.kill(), options.timeoutMs ?? 60_000);
  const end = await command.ended;
  clearTimeout(timer);
  return { ...end, stdout, output: command.output() };
}

export interface WorkerProcessOptions extends SpawnOptions {
  /** Task module, absolute or from the repository's root. */
  readonly tasks: string;
  readonly broker: string;
  readonly backend?: string;
  readonly queues?: readonly string[];
  /** Default 2. */
  readonly concurrency?: number;
  /** Default `w%p@test`. */
  readonly name?: string;
  /** Further arguments of `celeriac worker`. */
  readonly args?: readonly string[];
  /** The output line that says it takes tasks. Default `/\bready\b/`. */
  readonly readyLine?: RegExp;
}

/** Starts `celeriac worker` and resolves when it says that it is ready. */
export async function startWorkerProcess(options: WorkerProcessOptions): Promise<SpawnedProcess> {
  const args = ['worker', '-A', options.tasks, '-b', options.broker, '-c', String(options.concurrency ?? 2)];
  if (options.backend !== undefined) args.push('--result-backend', options.backend);
  if (options.queues !== undefined) args.push('-Q', options.queues.join(','));
  if (options.name !== undefined) args.push('-n', options.name);
  const worker = startCeleriac([...args, ...(options.args ?? [])], options);
  try {
    await worker.line(options.readyLine ?? /\bready\b/, 60_000);
  } catch (error) {
    await worker.kill();
    throw error;
  }
  return worker;
}
