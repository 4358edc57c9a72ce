// The Python peers of the interop tests, each in a virtual environment with pinned versions under .cache/venvs, made once.

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { until } from '../until.ts';

const run = promisify(execFile);
const CACHE = resolve(import.meta.dirname, '../../.cache/venvs');
const CREATE_LIMIT_MS = 300_000;

const PINS = {
  // the newest Celery, and the reference peer
  celery57: ['celery[redis]==5.7.0', 'kombu[redis]==5.7.0'],
  // without the kombu pin pip takes kombu 5.7
  celery56: ['celery[redis,sqlalchemy,yaml,msgpack,zstd]==5.6.3', 'kombu[redis]==5.6.2'],
  flower: ['flower==2.2.0', 'celery[redis]==5.6.3', 'kombu[redis]==5.6.2'],
  // its redis<6 forbids kombu 5.7; not to be confused with the package named celery-exporter
  exporter: ['prometheus-exporter-celery==0.11.2', 'celery==5.6.3', 'kombu==5.6.2'],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type PythonPeerName = keyof typeof PINS;
export const PYTHON_PEERS: readonly PythonPeerName[] = Object.keys(PINS) as PythonPeerName[];

export interface PythonPeer {
  readonly name: PythonPeerName;
  /** Path of the interpreter. */
  readonly python: string;
  /** Path of a program of the environment, for example `bin('celery')`. */
  bin(program: string): string;
  /** What every Python peer needs in its environment. */
  readonly env: Readonly<Record<string, string>>;
}

/** The peer, made first if it is missing (up to a minute, needs the network); concurrent callers wait for one another. */
export async function pythonPeer(name: PythonPeerName): Promise<PythonPeer> {
  const version = createHash('sha256').update(PINS[name].join('\n')).digest('hex').slice(0, 10);
  const folder = join(CACHE, `${name}-${version}`);
  const ready = join(folder, 'ready');
  if (!existsSync(ready)) {
    mkdirSync(CACHE, { recursive: true });
    const release = await takeLock(`${folder}.lock`);
    try {
      if (!existsSync(ready)) {
        rmSync(folder, { recursive: true, force: true });
        await run('python3', ['-m', 'venv', folder], { timeout: CREATE_LIMIT_MS });
        await run(join(folder, 'bin/python'), ['-m', 'pip', 'install', '--quiet', ...PINS[name]], { timeout: CREATE_LIMIT_MS });
        writeFileSync(ready, `${PINS[name].join('\n')}\n`);
      }
    } finally {
      release();
    }
  }
  return {
    name,
    python: join(folder, 'bin/python'),
    bin: (program) => join(folder, 'bin', program),
    env: { PYTHONDONTWRITEBYTECODE: '1', PYTHONUNBUFFERED: '1', C_FORCE_ROOT: '1' },
  };
}

/** Takes a lock folder that names its holder, so that one left by a killed process does not block for ever. */
async function takeLock(path: string): Promise<() => void> {
  const holder = join(path, 'pid');
  const tryTake = (): boolean => {
    try {
      mkdirSync(path);
      writeFileSync(holder, String(process.pid));
      return true;
    } catch {
      if (!isAlive(holder)) rmSync(path, { recursive: true, force: true });
      return false;
    }
  };
  await until(tryTake, { timeoutMs: CREATE_LIMIT_MS, everyMs: 200, what: `the lock ${path}` });
  return () => rmSync(path, { recursive: true, force: true });
}

function isAlive(holder: string): boolean {
  let pid: number;
  try {
    pid = Number(readFileSync(holder, 'utf8'));
  } catch {
    return true; // just made, its pid is not written yet
  }
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return pid === 0;
  }
}
