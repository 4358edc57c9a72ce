// The process of one container: started with a hostname of its own where the machine allows it, ended with everything it started.

import { spawnSync } from 'node:child_process';
import { constants } from 'node:os';
import { processesWith } from '../process-table.ts';
import { type SpawnedProcess, spawnProcess } from '../spawned-process.ts';

/** In the environment of all that a container started; what it leaves behind is found by it. */
const MARK = 'CELERIAC_TEST_CONTAINER';
/** A container does not see the machine's environment, but for what programs of this machine need to start. */
const INHERITED = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'CELERIAC_TEST_RUN_DIR'];

export interface ContainerProcess {
  /** 0 when there is none. */
  readonly pid: number;
  /** The exit code; 128 and the signal's number for one that a signal ended. What the container started has ended too. */
  readonly ended: Promise<number>;
  signal(name: NodeJS.Signals): void;
  /** SIGKILL to all of the container. */
  kill(): void;
  output(): string;
}

export interface ContainerStart {
  /** Empty: no process at all, one that is said to run until it is asked to end. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly hostname: string;
  readonly id: string;
}

export function startContainerProcess(start: ContainerStart): ContainerProcess {
  if (start.argv.length === 0) return pretended();
  const hidden = Object.fromEntries(Object.keys(process.env).flatMap((name) => (INHERITED.includes(name) ? [] : [[name, undefined]])));
  const [command = '', ...args] = realHostnames() ? withHostname(start.hostname, start.argv) : start.argv;
  const started: SpawnedProcess = spawnProcess(command, args, {
    cwd: start.cwd,
    env: { ...hidden, ...start.env, [MARK]: start.id },
    group: true,
  });
  const kill = (): void => {
    for (const row of processesWith(MARK, start.id)) trySignal(row.pid);
  };
  // as the end of a container's first process ends the others
  started.child.once('exit', kill);
  return {
    pid: started.pid,
    ended: started.ended.then(({ code, signal }) => code ?? 128 + (signal === null ? 0 : constants.signals[signal])),
    signal: (name) => started.signal(name),
    kill,
    output: () => started.output(),
  };
}

let hostnames: boolean | undefined;

/** Whether `gethostname()` in a container is the pod's name, as in a cluster; else only the variable HOSTNAME is. */
export function realHostnames(): boolean {
  hostnames ??= process.getuid?.() === 0 && spawnSync('unshare', ['--uts', 'hostname', 'probe'], { stdio: 'ignore' }).status === 0;
  return hostnames;
}

/** `unshare` and `sh` give way to the program: its pid is the one that was started. */
function withHostname(hostname: string, argv: readonly string[]): readonly string[] {
  return ['unshare', '--uts', 'sh', '-c', 'hostname "$0" && exec "$@"', hostname, ...argv];
}

function pretended(): ContainerProcess {
  let finish: (code: number) => void = () => {};
  const ended = new Promise<number>((resolve) => {
    finish = resolve;
  });
  return { pid: 0, ended, signal: (name) => finish(name === 'SIGKILL' ? 137 : 0), kill: () => finish(137), output: () => '' };
}

function trySignal(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it has ended meanwhile
  }
}
