import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Drains local replicas when the autoscaler itself is killed, whatever program they are. */
export interface OrphanGuard {
  /** From now on the process is drained should we die. */
  watch(pid: number): void;
  /** It ended, or was told to drain already. */
  forget(pid: number): void;
  close(): void;
}

/** Starts the guard's process, which ends by itself when ours does. */
export function startOrphanGuard(onError: (error: Error) => void): OrphanGuard {
  const entry = new URL(`./orphan-guard-entry${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);
  // A session of its own: Ctrl-C in the terminal is for the autoscaler to handle.
  const program = fileURLToPath(entry);
  // It needs no environment, and ours may hold the broker's address.
  const guard: ChildProcess = spawn(process.execPath, [program], { stdio: ['pipe', 'ignore', 'ignore'], detached: true, env: {} });
  guard.on('error', onError);
  guard.stdin?.on('error', onError);
  guard.unref();
  const unrefable = guard.stdin as { unref?: () => void } | null;
  unrefable?.unref?.();
  const tell = (line: string): void => {
    if (guard.stdin?.writable === true) guard.stdin.write(`${line}\n`);
  };
  return {
    watch: (pid) => tell(`+${pid}`),
    forget: (pid) => tell(`-${pid}`),
    close: () => guard.stdin?.end(),
  };
}
