import { type SpawnedProcess, type SpawnOptions, spawnProcess } from '../../test/spawned-process.ts';
import type { RunningWorker } from '../contender.ts';
import { processTree } from '../process-memory.ts';

/** Starts a contender's worker in a process group of its own and times it until the line that says that it takes tasks. */
export async function startWorker(
  command: string,
  args: readonly string[],
  options: SpawnOptions & {
    readonly readyLine: RegExp;
    readonly readyTimeoutMs: number;
    /** How it is ended: by SIGTERM where it handles that, else by SIGKILL. */
    readonly end: (worker: SpawnedProcess) => Promise<unknown>;
  },
): Promise<RunningWorker> {
  const { readyLine, readyTimeoutMs, end, ...spawnOptions } = options;
  const startedAt = performance.now();
  const worker = spawnProcess(command, args, { ...spawnOptions, group: true });
  await worker.line(readyLine, readyTimeoutMs);
  const bootMs = performance.now() - startedAt;
  return { bootMs, pids: () => processTree(worker.pid), stop: async () => void (await end(worker)) };
}
