// A real Python Celery worker on an app.py of the test's own.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ProcessEnd, type SpawnedProcess, spawnProcess } from '../spawned-process.ts';
import { type PythonPeerName, pythonPeer } from './venv.ts';

export interface CeleryWorkerOptions {
  /** Text of app.py; it must define `app`. `basicApp(...)` writes one. */
  readonly app: string;
  /** Default `celery57`. */
  readonly peer?: PythonPeerName;
  /** Node name before the `@`. Default `py`. */
  readonly name?: string;
  readonly queues?: readonly string[];
  /** Default 1. */
  readonly concurrency?: number;
  /** Further arguments of `celery worker`. Events are always on. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface CeleryWorker {
  /** Full node name, `py@127.0.0.1`. */
  readonly hostname: string;
  /** The folder with app.py, for scripts that import it. */
  readonly dir: string;
  readonly process: SpawnedProcess;
  /** Runs `celery -A app ...` in the worker's folder and returns its standard output; rejects with the output when it fails. */
  celery(...args: readonly string[]): Promise<string>;
  /** Warm shutdown: SIGTERM, then what is running ends. */
  stop(): Promise<void>;
  /** SIGKILL to the worker and its pool. */
  kill(): Promise<ProcessEnd>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Resolves when the worker consumes and listens for remote control. */
export async function startCeleryWorker(options: CeleryWorkerOptions): Promise<CeleryWorker> {
  const peer = await pythonPeer(options.peer ?? 'celery57');
  const dir = mkdtempSync(join(tmpdir(), 'celeriac-python-'));
  writeFileSync(join(dir, 'app.py'), options.app);
  const hostname = `${options.name ?? 'py'}@127.0.0.1`;
  const env = { ...peer.env, ...options.env };
  const queues = options.queues === undefined ? [] : ['-Q', options.queues.join(',')];
  const common = ['-n', hostname, '-c', String(options.concurrency ?? 1), '-E', '-l', 'INFO', '--without-mingle', '--without-gossip'];
  const worker = spawnProcess(peer.bin('celery'), ['-A', 'app', 'worker', ...common, ...queues, ...(options.args ?? [])], {
    cwd: dir,
    env,
    group: true,
  });
  const stop = async (): Promise<void> => {
    await worker.stop(30_000);
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    // Celery writes this line from its loop, when the queues and the control mailbox are being consumed
    await worker.line(/ ready\.$/, 120_000);
  } catch (error) {
    await stop();
    throw error;
  }
  const celery = async (...args: readonly string[]): Promise<string> => {
    const command = spawnProcess(peer.bin('celery'), ['-A', 'app', ...args], { cwd: dir, env });
    const end = await command.ended;
    if (end.code !== 0) throw new Error(`celery ${args.join(' ')} ended with ${end.code ?? end.signal}:\n${command.output()}`);
    return command.output();
  };
  return { hostname, dir, process: worker, celery, stop, kill: worker.kill, [Symbol.asyncDispose]: stop };
}

export interface BasicAppOptions {
  readonly broker: string;
  readonly backend?: string;
  /** Python statements behind the app's creation, for example `app.conf.task_default_queue = 'other'`. */
  readonly body?: string;
}

/** An app.py with `tasks.add`, `tasks.echo`, `tasks.sleep`, `tasks.fail` and `tasks.flaky`. */
export function basicApp(options: BasicAppOptions): string {
  const text = (value: string | undefined): string => (value === undefined ? 'None' : JSON.stringify(value));
  return `import time
from celery import Celery

app = Celery('tasks', broker=${text(options.broker)}, backend=${text(options.backend)})
app.conf.broker_connection_retry_on_startup = True

@app.task(name='tasks.add')
def add(x, y):
    return x + y

@app.task(name='tasks.echo')
def echo(value):
    return value

@app.task(name='tasks.sleep')
def sleep(seconds):
    time.sleep(seconds)
    return seconds

@app.task(name='tasks.fail')
def fail(message):
    raise ValueError(message)

@app.task(name='tasks.flaky', bind=True, max_retries=10)
def flaky(self, times):
    if self.request.retries < times:
        raise self.retry(countdown=0)
    return self.request.retries

${options.body ?? ''}
`;
}
