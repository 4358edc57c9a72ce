// What each way into the code loads. A driver or a package that somebody imports at the top of a file shows up here.

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startRabbitmq } from '../brokers/rabbitmq.ts';
import { type RedisServer, startRedis } from '../brokers/redis.ts';
import { spawnProcess } from '../spawned-process.ts';
import { runCeleriac, startCeleriac, startWorkerProcess } from '../worker-process.ts';
import { ROOT } from './source-files.ts';

const RECORDER = join(ROOT, 'test/architecture/record-loads.mjs');

interface Loads {
  /** The command line without Node and its options. */
  readonly command: string;
  /** npm packages that are not ours. */
  readonly libraries: readonly string[];
  /** Names of the folders in packages/. */
  readonly packages: readonly string[];
}

/** Gives an action an environment in which every Node process writes down what it loads, and reads that afterwards. */
async function recordLoads(action: (env: Record<string, string>) => Promise<void>): Promise<readonly Loads[]> {
  const folder = mkdtempSync(join(tmpdir(), 'celeriac-loads-'));
  try {
    await action({ RECORD_LOADS_IN: folder, NODE_OPTIONS: `--import ${RECORDER}` });
    return readdirSync(folder).map((name) => {
      const [first = '', ...urls] = readFileSync(join(folder, name), 'utf8').trim().split('\n');
      const libraries = urls.map((url) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1]);
      const packages = urls.map((url) => (url.includes('/node_modules/') ? undefined : /\/packages\/([^/]+)\/src\//.exec(url)?.[1]));
      return { command: first.slice(2), libraries: unique(libraries), packages: unique(packages) };
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function unique(names: readonly (string | undefined)[]): string[] {
  return [...new Set(names.filter((name) => name !== undefined))].sort();
}

/** Runs a module's text from the sources and returns what it loaded. */
async function loadsOf(source: string): Promise<Loads> {
  const all = await recordLoads(async (env) => {
    const args = ['--conditions=@celeriac/source', '--input-type=module', '--eval', source];
    await using program = spawnProcess(process.execPath, args, { cwd: ROOT, env });
    expect(await program.ended, program.output()).toEqual({ code: 0, signal: null });
  });
  expect(all).toHaveLength(1);
  return all[0] as Loads;
}

describe('what is loaded', () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());

  it.each([
    ['@celeriac/protocol', ['protocol']],
    ['@celeriac/brokers', ['brokers', 'protocol']],
    ['@celeriac/producer', ['producer', 'protocol']],
    ['@celeriac/worker', ['brokers', 'protocol', 'worker']],
    ['@celeriac/autoscaler', ['autoscaler', 'brokers', 'protocol']],
    ['@celeriac/embedded', ['embedded']],
  ])('by importing %s: no library and no package beyond its edges', async (name, edges) => {
    const loads = await loadsOf(`await import('${name}')`);
    expect(loads.libraries).toEqual([]);
    expect(loads.packages.filter((folder) => !edges.includes(folder))).toEqual([]);
    expect(loads.packages).toContain(edges.find((edge) => name.endsWith(edge)));
  });

  it('by publishing on Redis: its driver, and not that of RabbitMQ', async () => {
    const loads = await loadsOf(`
      import { Celery } from '@celeriac/producer';
      const pools = { small: { queues: ['celery'], slotsPerReplica: 1, size: { cpu: 1 } } };
      const app = new Celery({ broker: '${redis.url}', backend: '${redis.url}', pools });
      await app.sendTask('tasks.none', { args: [1], resources: { cpu: '500m' } });
      await app.close();
    `);
    expect(loads.libraries).toContain('ioredis');
    for (const other of ['amqplib', 'zod', 'pino', 'prom-client', 'yaml', 'commander']) expect(loads.libraries).not.toContain(other);
    expect(loads.packages).toEqual(['brokers', 'producer', 'protocol']);
  });

  it('by publishing on RabbitMQ: its driver, and not that of Redis', async () => {
    const rabbitmq = await startRabbitmq();
    const vhost = await rabbitmq.createVhost();
    const loads = await loadsOf(`
      import { Celery } from '@celeriac/producer';
      const app = new Celery({ broker: '${vhost.url}' });
      await app.sendTask('tasks.none', { args: [1] });
      await app.close();
    `);
    await rabbitmq.deleteVhost(vhost);
    expect(loads.libraries).toContain('amqplib');
    for (const other of ['ioredis', 'zod', 'pino', 'prom-client', 'yaml', 'commander']) expect(loads.libraries).not.toContain(other);
  });

  it('by a worker: the driver in the parent, none at all in its children', async () => {
    const all = await recordLoads(async (env) => {
      const worker = await startWorkerProcess({ tasks: 'examples/basics/tasks.ts', broker: redis.url, backend: redis.url, env });
      const brokers = ['-b', redis.url, '--result-backend', redis.url];
      const call = ['call', 'tasks.add', '--args', '[2, 3]', '--wait', '60', ...brokers];
      const called = await runCeleriac(call, { timeoutMs: 120_000 });
      expect(called.stdout.trim(), called.output).toBe('5');
      expect(await worker.stop(), worker.output()).toEqual({ code: 0, signal: null });
    });
    const children = all.filter((loads) => /child-entry\.ts/.test(loads.command));
    const parent = all.find((loads) => /main\.ts worker/.test(loads.command));
    expect(children.length).toBeGreaterThanOrEqual(2);
    for (const child of children) expect(child.libraries).toEqual([]);
    expect(parent?.libraries).toContain('ioredis');
    for (const other of ['amqplib', 'zod', 'yaml', 'prom-client']) expect(parent?.libraries).not.toContain(other);
    expect(parent?.packages).not.toContain('embedded');
    expect(parent?.packages).not.toContain('autoscaler');
  });

  it('by an autoscaler of local processes: nothing of Kubernetes, no cron', async () => {
    const loads = await autoscalerLoads(
      `local: { command: [celeriac, worker, -A, examples/basics/tasks.ts, -Q, "{queues}", -n, "{name}"] }`,
    );
    expect(loads?.libraries).toContain('ioredis');
    for (const other of ['@kubernetes/client-node', 'croner', 'amqplib', 'js-yaml', 'undici'])
      expect(loads?.libraries).not.toContain(other);
  });

  it('by an autoscaler of a Deployment: of the Kubernetes client only what reads credentials', async () => {
    const server = createServer((_request, response) => void response.writeHead(503).end());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const folder = mkdtempSync(join(tmpdir(), 'celeriac-kubeconfig-'));
    const kubeconfig = join(folder, 'kubeconfig');
    const named = { cluster: { server: `http://127.0.0.1:${port}` }, user: { token: 'none' }, context: { cluster: 'x', user: 'x' } };
    const entry = (kind: keyof typeof named): object[] => [{ name: 'x', [kind]: named[kind] }];
    writeFileSync(
      kubeconfig,
      JSON.stringify({ 'current-context': 'x', clusters: entry('cluster'), users: entry('user'), contexts: entry('context') }),
    );
    try {
      const loads = await autoscalerLoads('deployment: { name: workers }', { KUBECONFIG: kubeconfig });
      expect(loads?.libraries).toContain('@kubernetes/client-node');
      for (const other of ['openid-client', 'ws', 'undici', 'tar-fs', 'croner']) expect(loads?.libraries).not.toContain(other);
    } finally {
      server.closeAllConnections();
      server.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });

  /** What `celeriac autoscale` loads until it is ready. */
  async function autoscalerLoads(target: string, variables: Record<string, string> = {}): Promise<Loads | undefined> {
    const folder = mkdtempSync(join(tmpdir(), 'celeriac-pools-'));
    const file = join(folder, 'pools.yaml');
    writeFileSync(file, `broker: { url: "${redis.url}" }\npools: { p: { queues: [q], target: { ${target} } } }\n`);
    const all = await recordLoads(async (env) => {
      await using autoscaler = startCeleriac(['autoscale', '-f', file, '--http', 'off'], { env: { ...env, ...variables } });
      await autoscaler.line(/autoscaler ready/);
      await autoscaler.stop();
    });
    rmSync(folder, { recursive: true, force: true });
    return all.find((loads) => /main\.ts autoscale/.test(loads.command));
  }

  it('by celeriac --help: commander alone', async () => {
    const [loads] = await recordLoads(async (env) => {
      const help = await runCeleriac(['--help'], { env });
      expect(help.stdout, help.output).toContain('Usage: celeriac');
    });
    expect(loads?.libraries).toEqual(['commander']);
    for (const folder of ['worker', 'producer', 'autoscaler', 'embedded', 'brokers']) expect(loads?.packages).not.toContain(folder);
  });
});
