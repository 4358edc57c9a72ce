// The images in real pods, as the strictest cluster runs them.

import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { Celery } from '@celeriac/producer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openImage } from '../../docker/image-archive.ts';
import { billOfMaterials } from '../../docker/sbom.ts';
import { until } from '../until.ts';
import { type ReachableBroker, startReachableRedis } from './broker.ts';
import { type OneNode, oneNode } from './cluster.ts';
import { type HttpLedger, startHttpLedger } from './http-ledger.ts';
import * as tasks from './image-tasks.ts';
import { baseArchives, run } from './images.ts';
import { ARBITRARY_UID, exitCode, type RestrictedPod, ready, restrictedNamespace, restrictedPod } from './restricted-pod.ts';
import { KUBE_SCRIPTS } from './why-not.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const MOUNTED = 'mounted/mounted-tasks.ts';

let cluster: OneNode;
let namespace: string;
let broker: ReachableBroker;
let ledger: HttpLedger;
let app: Celery;

beforeAll(async () => {
  cluster = await oneNode();
  broker = await startReachableRedis(cluster.hostAddress);
  ledger = await startHttpLedger(cluster.hostAddress);
  app = new Celery({ broker: broker.url, backend: broker.backend });
  namespace = await restrictedNamespace(cluster, 'images');
  const text = readFileSync(join(import.meta.dirname, 'fixtures/mounted-tasks.ts'), 'utf8');
  const pools =
    'pools: { idle: { queues: [idle], scaling: { min: 0, max: 1 }, target: { local: { command: [celeriac, worker, -A, none.ts] } } } }\n';
  await cluster.apply(namespace, [
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'tasks' }, data: { 'mounted-tasks.ts': text } },
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'pools' }, data: { 'pools.yaml': pools } },
  ]);
});

afterAll(async () => {
  await app?.close();
  if (namespace !== undefined) await cluster.deleteNamespace(namespace);
  await ledger?.stop();
  await broker?.stop();
  await cluster?.stop();
});

const environment = (): Record<string, string> => ({ CELERY_BROKER_URL: broker.url, CELERY_RESULT_BACKEND: broker.backend });
const create = (pod: RestrictedPod): Promise<void> => cluster.apply(namespace, [restrictedPod(pod)]);
const exec = (pod: string, ...command: readonly string[]): Promise<string> =>
  cluster.kubectl(['exec', '-n', namespace, pod, '--', ...command]);

/** The image has no program `kill`, its shell has. */
const signal = async (pod: string, name: 'TERM' | 'KILL', pid: number): Promise<void> => {
  await exec(pod, 'sh', '-c', `kill -${name} ${pid}`);
};

/** A worker of our image with the mounted tasks, on a queue that has the pod's name. */
async function startWorker(name: string, args: readonly string[] = [], more: Partial<RestrictedPod> = {}): Promise<void> {
  await create({
    name,
    image: cluster.images.worker,
    args: ['worker', '-A', MOUNTED, '-Q', name, '-c', '2', '-n', 'w@%h', '--http', '0.0.0.0:8081', ...args],
    env: environment(),
    files: { configMap: 'tasks', path: '/app/mounted' },
    port: 8081,
    ...more,
  });
  await ready(cluster, namespace, name);
}

/** Every process of a pod but for those of this look, by its pid. */
async function processes(
  pod: string,
): Promise<ReadonlyMap<number, { readonly name: string; readonly parent: number; readonly state: string }>> {
  const stats = await exec(pod, 'sh', '-c', 'cat /proc/[0-9]*/stat 2>/dev/null; true');
  return new Map(
    [...stats.matchAll(/^(\d+) \((.*)\) (\S) (\d+) /gm)].map(([, pid, name = '', state = '', parent]) => [
      Number(pid),
      { name, state, parent: Number(parent) },
    ]),
  );
}

describe('the worker', () => {
  const name = 'strict';
  beforeAll(() => startWorker(name), 240_000);

  it('runs as any uid in group 0, without a capability, and cannot gain one', async () => {
    expect(await exec(name, 'id')).toBe(`uid=${ARBITRARY_UID} gid=0(root) groups=0(root),${ARBITRARY_UID}\n`);
    const status = await exec(name, 'cat', '/proc/1/status');
    for (const kind of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) expect(status).toMatch(new RegExp(`^${kind}:\\t0+$`, 'm'));
    expect(status).toMatch(/^NoNewPrivs:\t1$/m);
  });

  it('does its work on a root that is read-only, with /tmp alone to write to', async () => {
    const write = async (path: string): Promise<string | null> =>
      (await app.task(tasks.write).applyAsync({ args: [path], queue: name })).get({ timeoutMs: 60_000 });
    expect(await write('/app/file')).toBe('EROFS');
    expect(await write('/node_modules/file')).toBe('EROFS');
    expect(await write('/tmp/file')).toBe(null);
  });

  it('has tini as its first process, and the command as the only child of that', async () => {
    const all = await processes(name);
    expect(all.get(1)?.name).toBe('tini');
    expect([...all.values()].filter(({ parent }) => parent === 1)).toHaveLength(1);
    const command = await exec(name, 'sh', '-c', 'tr "\\0" " " </proc/1/cmdline');
    expect(command).toContain('/usr/bin/tini -- celeriac worker -A');
  });

  it('leaves no zombie of a process whose parent is gone', async () => {
    const result = await app.task(tasks.orphan).applyAsync({ args: [], queue: name });
    const pid = await result.get({ timeoutMs: 60_000 });
    expect(pid).toBeGreaterThan(1);
    expect((await processes(name)).get(pid)).toMatchObject({ name: 'sleep', parent: 1 });
    await signal(name, 'TERM', pid);
    const gone = async (): Promise<boolean> => !(await processes(name)).has(pid);
    await until(gone, { timeoutMs: 60_000, everyMs: 200, what: 'the end of the orphan' });
  });
});

describe('signals and exit codes', () => {
  it('a deleted pod finishes what runs and ends with 0', async () => {
    await startWorker('drains', [], { graceS: 60 });
    using held = ledger.hold((id) => id === 'drained');
    const result = await app.task(tasks.work).applyAsync({ args: [ledger.url, 'drained', 1_000], queue: 'drains' });
    await until(() => ledger.starts('drained') === 1, { timeoutMs: 60_000, what: 'the start of the task' });
    const code = exitCode(cluster, namespace, 'drains');
    // what kubectl delete sends, with the pod kept so that its exit code can be read
    await signal('drains', 'TERM', 1);
    held.release();
    expect(await code).toBe(0);
    expect(ledger.notOnce(['drained'])).toEqual([]);
    expect(await result.get({ timeoutMs: 60_000 })).toBe('drains');
  });

  it('kubectl delete waits for the drain', async () => {
    await startWorker('deleted', [], { graceS: 60 });
    using held = ledger.hold((id) => id === 'deleted');
    await app.task(tasks.work).applyAsync({ args: [ledger.url, 'deleted', 4_000], queue: 'deleted' });
    await until(() => ledger.starts('deleted') === 1, { timeoutMs: 60_000, what: 'the start of the task' });
    await cluster.kubectl(['delete', 'pod', '-n', namespace, 'deleted', '--wait=false']);
    held.release();
    await cluster.kubectl(['wait', '-n', namespace, 'pod/deleted', '--for=delete', '--timeout=120s']);
    expect(ledger.notOnce(['deleted'])).toEqual([]);
  });

  it('a drain that runs out of time ends with 70, and what ran runs elsewhere', async () => {
    await startWorker('hurried', ['--drain-timeout', '1']);
    using held = ledger.hold((id) => id === 'hurried');
    const result = await app.task(tasks.work).applyAsync({ args: [ledger.url, 'hurried', 0], queue: 'hurried' });
    await until(() => ledger.starts('hurried') === 1, { timeoutMs: 60_000, what: 'the start of the task' });
    await signal('hurried', 'TERM', 1);
    expect(await exitCode(cluster, namespace, 'hurried')).toBe(70);
    held.release();
    await startWorker('second', ['-Q', 'hurried']);
    expect(await result.get({ timeoutMs: 90_000 })).toBe('second');
  });

  it('a task module that is not there ends the container with 78', async () => {
    await create({ name: 'wrong', image: cluster.images.worker, args: ['worker', '-A', 'nothing.ts'], env: environment() });
    expect(await exitCode(cluster, namespace, 'wrong')).toBe(78);
    expect(await cluster.kubectl(['logs', '-n', namespace, 'wrong'])).toContain('nothing.ts');
  });

  it('a crash of the command ends the container with 128 and the signal', async () => {
    await startWorker('crashes');
    const [pid] = [...(await processes('crashes'))].find(([, { parent, name }]) => parent === 1 && name !== 'sh') ?? [];
    await signal('crashes', 'KILL', pid ?? 0);
    expect(await exitCode(cluster, namespace, 'crashes')).toBe(137);
  });
});

describe('the autoscaler', () => {
  const name = 'autoscaler';
  beforeAll(async () => {
    const args = ['autoscale', '-f', '/etc/celeriac/pools.yaml', '--http', '0.0.0.0:9810'];
    const files = { configMap: 'pools', path: '/etc/celeriac' };
    await create({ name, image: cluster.images.autoscaler, args, env: environment(), files, port: 9810 });
    await ready(cluster, namespace, name);
  }, 240_000);

  it('runs as any uid on a read-only root, and its command-line tools with it', async () => {
    expect(await exec(name, 'id', '-u')).toBe(`${ARBITRARY_UID}\n`);
    expect(await exec(name, 'celeriac', 'pools')).toContain('idle');
    await expect(exec(name, 'touch', '/app/file')).rejects.toThrow('Read-only file system');
  });

  it('has one arena for the memory of native code', async () => {
    expect(await exec(name, 'printenv', 'MALLOC_ARENA_MAX')).toBe('1\n');
  });

  it('ends with 0 when it is told to', async () => {
    await signal(name, 'TERM', 1);
    expect(await exitCode(cluster, namespace, name)).toBe(0);
  });
});

describe.each(['worker', 'autoscaler'] as const)('the content of the %s image', (kind) => {
  const pod = `content-${kind}`;
  beforeAll(async () => {
    // the command is only in the way here: an interactive Node keeps the container alive
    const sleeping = restrictedPod({ name: pod, image: cluster.images[kind] });
    const spec = sleeping['spec'] as { readonly containers: readonly object[] };
    await cluster.apply(namespace, [
      { ...sleeping, spec: { ...spec, containers: [{ ...spec.containers[0], command: ['sleep', '600'] }] } },
    ]);
    await ready(cluster, namespace, pod);
  }, 240_000);

  it('has no development dependency, and only what the lock calls one of production', async () => {
    const found = await exec(pod, 'sh', '-c', 'find /node_modules -name package.json -path "*/node_modules/*"');
    const names = [...found.matchAll(/\/node_modules\/((?:@[^/\n]+\/)?[^/\n]+)\/package\.json$/gm)].map(([, name]) => name ?? '');
    expect(names).toEqual(expect.arrayContaining(['celeriac', '@celeriac/worker', '@celeriac/brokers', 'ioredis', 'amqplib']));
    const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
      readonly packages: Readonly<Record<string, { readonly dev?: boolean }>>;
    };
    const production = Object.entries(packages)
      .filter(([, { dev }]) => dev !== true)
      .map(([path]) => path.replace(/^.*node_modules\//, ''));
    expect(names.filter((name) => !production.includes(name))).toEqual([]);
    const { devDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      readonly devDependencies: Readonly<Record<string, string>>;
    };
    // zod is both: the autoscaler reads its files with it
    expect(Object.keys(devDependencies).filter((name) => name !== 'zod' && names.includes(name))).toEqual([]);
    expect(names.includes('@kubernetes/client-node')).toBe(kind === 'autoscaler');
  });

  it('has no sources, declarations, source maps, caches and logs, and nothing that root alone could read', async () => {
    const dead = 'find /node_modules -name "*.ts" -o -name "*.map" -o -name "*.tsbuildinfo" -o -name ".package-lock.json"';
    expect(await exec(pod, 'sh', '-c', dead)).toBe('');
    expect(await exec(pod, 'sh', '-c', 'find /node_modules /app ! -readable')).toBe('');
    expect(await exec(pod, 'sh', '-c', 'find /var/log /var/lib/apt/lists /var/cache/apt /tmp -type f')).toBe('');
  });

  it('has a bill of materials', () => {
    const archive = cluster.archives?.[kind];
    if (archive === undefined) return; // a cluster that is not ours has its images in a registry
    const purls = billOfMaterials(archive, ROOT).components.map(({ purl }) => purl ?? '');
    expect(purls).toEqual(
      expect.arrayContaining([expect.stringMatching(/^pkg:deb\/debian\/tini@0\.19/), expect.stringMatching(/^pkg:generic\/node@24\./)]),
    );
    expect(purls).toContain('pkg:npm/%40celeriac/worker@0.1.0');
  });
});

it('a user builds an image of three lines, and its tasks run', async () => {
  if (cluster.archives === undefined) return; // nothing can be loaded into a cluster that is not ours
  const folder = mkdtempSync(join(tmpdir(), 'celeriac-user-image-'));
  try {
    cpSync(join(ROOT, 'examples/user-image'), folder, { recursive: true });
    const dockerfile = readFileSync(join(folder, 'Dockerfile'), 'utf8');
    expect(dockerfile.trim().split('\n')).toHaveLength(3);
    writeFileSync(join(folder, 'Dockerfile'), dockerfile.replace(/^FROM celeriac\/worker:\S+$/m, `FROM ${cluster.images.worker}`));
    const image = 'docker.io/local/celeriac-example:test';
    const archive = join(folder, 'image.tar');
    await run(join(KUBE_SCRIPTS, 'build-image'), [folder, image, archive], { BASE_IMAGES: cluster.archives.worker });
    await cluster.load(archive);
    // its own command says which tasks; the queue is Celery's default
    await create({ name: 'example', image, env: environment() });
    const result = await app.sendTask('example.digest', { args: ['celeriac'] });
    expect(await result.get({ timeoutMs: 60_000 })).toMatch(/^[0-9a-f]{64}$/);
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 420_000);

it.runIf(process.env['CELERIAC_E2E_LONG'] === '1')(
  'the same commit gives the same layers, each time built from nothing',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'celeriac-again-'));
    try {
      const { node } = await baseArchives();
      const { stdout } = await promisify(execFile)('git', ['rev-parse', 'HEAD'], { cwd: ROOT });
      const layers = async (build: string): Promise<readonly string[]> => {
        const out = join(folder, build);
        const args = ['worker', '--engine', 'buildah', '--base', node, '--ref', stdout.trim(), '--out', out];
        // a store of its own: nothing is taken from an earlier build
        await run(process.execPath, [join(ROOT, 'docker/build.mjs'), ...args], { IMAGE_STORE: join(out, 'store') });
        using image = openImage(join(out, 'celeriac-worker.tar'));
        return image.layers.map(({ digest }) => digest);
      };
      const first = await layers('first');
      expect(first.length).toBeGreaterThan(3);
      expect(await layers('second')).toEqual(first);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
  600_000,
);
