// Starts the programs that tests need. None may outlive the run: run-services.ts looks for what is left at its end, and fails it.

import { type ChildProcess, spawn } from 'node:child_process';
import { descendantsOf, type ProcessRow, stillRunning } from './process-table.ts';

export interface SpawnOptions {
  readonly cwd?: string;
  /** Added to the environment of the test; `undefined` removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Starts a process group of its own, so that `kill` and the end of `stop` reach the children as well. Default false. */
  readonly group?: boolean;
}

export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface SpawnedProcess {
  readonly pid: number;
  readonly child: ChildProcess;
  /** Resolves when the process has ended; never rejects. */
  readonly ended: Promise<ProcessEnd>;
  /** Standard output and standard error so far, in the order they arrived. */
  output(): string;
  /** Resolves with the first output line that matches, also an earlier one; rejects when the process ends without it or time is up. */
  line(pattern: RegExp, timeoutMs?: number): Promise<string>;
  /** Signals this process alone, as a supervisor would. */
  signal(signal: NodeJS.Signals): void;
  /** Its children, their children and so on, as they are now, in whatever process group. */
  descendants(): readonly ProcessRow[];
  /** SIGTERM, then SIGKILL after `graceMs` (default 20,000). Resolves when the process has ended. */
  stop(graceMs?: number): Promise<ProcessEnd>;
  /** SIGKILL to it, its group and its descendants: nothing is left. To kill the process alone: `signal('SIGKILL')`. */
  kill(): Promise<ProcessEnd>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts a program. Throws (asynchronously, through `ended` with code 127) when it does not exist. */
export function spawnProcess(command: string, args: readonly string[], options: SpawnOptions = {}): SpawnedProcess {
  const env: NodeJS.ProcessEnv = { ...process.env, ...options.env };
  const child = spawn(command, args, { cwd: options.cwd, env, detached: options.group === true, stdio: ['pipe', 'pipe', 'pipe'] });
  const pid = child.pid ?? 0;
  let text = '';
  const listeners = new Set<() => void>();
  const append = (chunk: string): void => {
    text += chunk;
    for (const listener of listeners) listener();
  };
  child.stdout?.setEncoding('utf8').on('data', append);
  child.stderr?.setEncoding('utf8').on('data', append);
  child.stdin?.on('error', () => {}); // the program may end before it has read what was written
  let end: ProcessEnd | undefined;
  const ended = new Promise<ProcessEnd>((resolve) => {
    const settle = (value: ProcessEnd): void => {
      end ??= value;
      for (const listener of listeners) listener();
      resolve(end);
    };
    child.once('error', (error) => {
      append(`${error.message}\n`);
      settle({ code: 127, signal: null });
    });
    child.once('close', (code, signal) => settle({ code, signal }));
    // 'close' waits for grandchildren that hold the pipes; a killed group leader must not make a test wait for them
    child.once('exit', (code, signal) => setTimeout(() => settle({ code, signal }), 250).unref());
  });

  const signal = (name: NodeJS.Signals): void => {
    if (pid !== 0 && end === undefined) trySignal(pid, name);
  };
  const kill = (): Promise<ProcessEnd> => {
    const family = pid === 0 || end !== undefined ? [] : descendantsOf(pid);
    signal('SIGKILL');
    for (const row of stillRunning(family)) trySignal(row.pid, 'SIGKILL');
    if (options.group === true && pid !== 0) trySignal(-pid, 'SIGKILL');
    return ended;
  };
  const stop = async (graceMs = 20_000): Promise<ProcessEnd> => {
    signal('SIGTERM');
    const timer = setTimeout(() => void kill(), graceMs);
    const result = await ended;
    clearTimeout(timer);
    if (options.group === true && pid !== 0) trySignal(-pid, 'SIGKILL'); // children that the leader left behind
    return result;
  };
  const line = (pattern: RegExp, timeoutMs = 60_000): Promise<string> =>
    new Promise((resolve, reject) => {
      const finish = (): void => {
        clearTimeout(timer);
        listeners.delete(look);
      };
      const fail = (why: string): void => {
        finish();
        reject(new Error(`${command} ${args.join(' ')}: ${why} before a line matched ${pattern}. Its output:\n${text.slice(-4_000)}`));
      };
      const look = (): void => {
        const found = text.split('\n').find((candidate) => pattern.test(candidate));
        if (found !== undefined) {
          finish();
          resolve(found);
        } else if (end !== undefined) fail(`it ended with ${end.code ?? end.signal}`);
      };
      const timer = setTimeout(() => fail(`${timeoutMs} ms passed`), timeoutMs);
      listeners.add(look);
      look();
    });

  return {
    pid,
    child,
    ended,
    output: () => text,
    line,
    signal,
    descendants: () => (pid === 0 ? [] : descendantsOf(pid)),
    stop,
    kill,
    [Symbol.asyncDispose]: async () => {
      await stop();
    },
  };
}

function trySignal(target: number, name: NodeJS.Signals): void {
  try {
    process.kill(target, name);
  } catch {
    // already gone
  }
}
