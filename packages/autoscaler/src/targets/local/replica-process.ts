import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** Where a replica's output goes: to our own, nowhere, or line by line to a function. */
export type ReplicaOutput = 'inherit' | 'ignore' | ((id: string, line: string) => void);

/** How a process is started. */
export interface ProcessStart {
  readonly id: string;
  readonly command: readonly string[];
  readonly cwd: string | undefined;
  /** Complete environment; undefined hands on our own. */
  readonly env: Readonly<Record<string, string | undefined>> | undefined;
  readonly output: ReplicaOutput;
}

/** How it ended: `exited with code 1`, `killed by SIGKILL`, `spawn celery ENOENT`. */
export interface ProcessEnd {
  readonly text: string;
  readonly code: number | null;
}

/** A running replica. */
export interface ReplicaProcess {
  readonly pid: number | undefined;
  /** Resolves when it has ended, or could not be started. Never rejects. */
  readonly ended: Promise<ProcessEnd>;
  /** Asks it to drain: SIGTERM to the process itself, not to its children, which may be running tasks. */
  drain(): void;
}

/** Starts a replica in a process group of its own. */
export function startReplica(start: ProcessStart): ReplicaProcess {
  const [program = '', ...args] = start.command;
  const stream = start.output === 'inherit' || start.output === 'ignore' ? start.output : 'pipe';
  const child: ChildProcess = spawn(program, args, {
    cwd: start.cwd,
    env: start.env,
    stdio: ['ignore', stream, stream],
    detached: true,
  });
  const { output } = start;
  let lastLine = '';
  if (typeof output === 'function') {
    for (const source of [child.stdout, child.stderr]) {
      if (source === null) continue;
      createInterface({ input: source }).on('line', (line) => {
        if (line.trim() !== '') lastLine = line.trim().slice(0, 300);
        output(start.id, line);
      });
    }
  }
  const ended = new Promise<ProcessEnd>((resolve) => {
    child.once('error', (error) => resolve({ text: error.message, code: null }));
    child.once('exit', (code, signal) => {
      const how = signal === null ? `exited with code ${code}` : `killed by ${signal}`;
      resolve({ text: code === 0 || lastLine === '' ? how : `${how}: ${lastLine}`, code });
    });
  });
  return { pid: child.pid, ended, drain: () => void child.kill('SIGTERM') };
}
