// What a pod of workers runs under the test kubelet: `celeriac worker` from source, or a Python Celery worker. Both are named
// `celery@POD`, as the manifests of a real installation name them.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type PythonPeerName, pythonPeer } from '../python/venv.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const HTTP_PORT = 8081;

export interface WorkerSettings {
  readonly broker: string;
  readonly backend?: string;
  /** Default `['celery']`. */
  readonly queues?: readonly string[];
  /** Concurrency. Default 2. */
  readonly slots?: number;
  /** Further arguments of the worker. */
  readonly args?: readonly string[];
}

/** The parts of a container that a program decides. */
export interface WorkerProgram {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly workingDir?: string;
  readonly readinessProbe?: Readonly<Record<string, unknown>>;
  readonly livenessProbe?: Readonly<Record<string, unknown>>;
}

export interface CeleriacSettings extends WorkerSettings {
  /** Task module, absolute or from the repository's root. */
  readonly tasks: string;
  /** How long it drains after SIGTERM, in seconds; shorter than the pod's grace. Default the worker's own 25. */
  readonly drainTimeoutS?: number;
  /** Serves /readyz and /livez to the kubelet's probes. Default true; without it a pod is Ready once its process runs. */
  readonly probes?: boolean;
}

export function celeriacProgram(settings: CeleriacSettings): WorkerProgram {
  const { tasks, queues = ['celery'], slots = 2, probes = true, drainTimeoutS } = settings;
  const node = [process.execPath, '--conditions=@celeriac/source', resolve(ROOT, 'packages/cli/src/main.ts')];
  const common = ['-A', resolve(ROOT, tasks), '-Q', queues.join(','), '-n', 'celery@$(POD_NAME)', '-c', String(slots), '-l', 'info'];
  const drain = drainTimeoutS === undefined ? [] : ['--drain-timeout', String(drainTimeoutS)];
  const http = probes ? ['--http', `$(POD_IP):${HTTP_PORT}`] : [];
  const probe = (path: string, periodSeconds: number) => ({ httpGet: { path, port: HTTP_PORT }, periodSeconds, timeoutSeconds: 5 });
  return {
    command: [...node, 'worker', ...common, ...drain, ...http, ...(settings.args ?? [])],
    env: { NO_COLOR: '1', ...brokerEnv(settings) },
    ...(probes ? { readinessProbe: probe('/readyz', 1), livenessProbe: { ...probe('/livez', 5), failureThreshold: 24 } } : {}),
  };
}

export interface PythonSettings extends WorkerSettings {
  /** Text of app.py; it must define `app` and read CELERY_BROKER_URL and CELERY_RESULT_BACKEND. `ledgerApp` of test/python is one. */
  readonly app: string;
  /** Default `celery57`. */
  readonly peer?: PythonPeerName;
}

export interface PythonProgram extends WorkerProgram {
  /** Removes the folder of app.py. */
  [Symbol.dispose](): void;
}

/** A Python worker has no probes: its pod is Ready once its process runs, as most are. */
export async function pythonProgram(settings: PythonSettings): Promise<PythonProgram> {
  const { app, queues = ['celery'], slots = 2 } = settings;
  const peer = await pythonPeer(settings.peer ?? 'celery57');
  const workingDir = mkdtempSync(join(tmpdir(), 'celeriac-python-pod-'));
  writeFileSync(join(workingDir, 'app.py'), app);
  const common = ['-Q', queues.join(','), '-n', 'celery@$(POD_NAME)', '-c', String(slots), '-E', '-l', 'INFO'];
  return {
    command: [peer.bin('celery'), '-A', 'app', 'worker', ...common, '--without-mingle', '--without-gossip', ...(settings.args ?? [])],
    env: { ...peer.env, ...brokerEnv(settings) },
    workingDir,
    [Symbol.dispose]: () => rmSync(workingDir, { recursive: true, force: true }),
  };
}

function brokerEnv({ broker, backend }: WorkerSettings): Readonly<Record<string, string>> {
  return { CELERY_BROKER_URL: broker, ...(backend === undefined ? {} : { CELERY_RESULT_BACKEND: backend }) };
}
