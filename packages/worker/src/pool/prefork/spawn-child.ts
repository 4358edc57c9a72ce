import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { constants } from 'node:os';
import type { ChildCommand } from './child-command.ts';

/**
 * Starts a child that leads a process group of its own, so that a signal for the group reaches what it starts, and Ctrl-C does not reach it.
 * `link` is null where the process could not be made. What user code writes to stdout goes to stderr, so that it does not mix with our output.
 */
export function spawnChild(command: ChildCommand): { readonly process: ChildProcess; readonly link: Socket | null } {
  const process = spawn(command.file, command.args, {
    cwd: command.cwd,
    env: command.env,
    stdio: ['ignore', 2, 2, 'pipe'],
    detached: true,
  });
  // Without file descriptors left there are no streams at all, whatever the types say.
  const streams = process.stdio as unknown as readonly (Socket | null | undefined)[] | undefined;
  return { process, link: streams?.[3] ?? null };
}

/** How a process ended, in Celery's words: `signal 9 (SIGKILL)` or `exitcode 0`. */
export function exitCause(code: number | null, signal: NodeJS.Signals | null): string {
  return signal === null ? `exitcode ${code}` : `signal ${constants.signals[signal]} (${signal})`;
}
