// The chart installed by a Helm on a real control plane, in a namespace that enforces Pod Security "restricted": its pods run under the
// test kubelet with the accounts and the Role that the chart gave them, on a real Redis, with a ledger outside the broker.

import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { PoolSummary } from '@celeriac/autoscaler';
import { Celery } from '@celeriac/producer';
import { type RedisServer, startRedis } from '../brokers/redis.ts';
import type { TestImage } from '../kubelet/image.ts';
import { type Kubelet, startKubelet } from '../kubelet/kubelet.ts';
import type { Pod } from '../kubelet/pod.ts';
import { type ApiProxy, startApiProxy } from '../kubernetes/api-proxy.ts';
import { kubernetesAssets } from '../kubernetes/assets.ts';
import { type ControlPlane, sharedControlPlane } from '../kubernetes/control-plane.ts';
import { type KubeList, type KubeObject, resourcePath } from '../kubernetes/objects.ts';
import { createLedger, type Ledger } from '../ledger/ledger.ts';
import { until } from '../until.ts';
import { chartImages } from './chart-images.ts';
import { type ReplicasChange, watchReplicas } from './replica-history.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const CHART = join(ROOT, 'helm/celeriac');
const TASKS = join(ROOT, 'test/integration/autoscaler-tasks.ts');
const HELM_LIMIT_MS = 240_000;

export type Helm = 'helm3' | 'helm4';
export type Values = Readonly<Record<string, unknown>>;

export interface HelmAnswer {
  readonly stdout: string;
  /** Where Helm writes the API server's warnings. */
  readonly stderr: string;
}

export interface ChartRig {
  readonly cluster: ControlPlane;
  readonly namespace: string;
  readonly release: string;
  readonly redis: RedisServer;
  readonly kubelet: Kubelet;
  /** All that pods ask of the API goes through here. */
  readonly proxy: ApiProxy;
  readonly celery: Celery;
  readonly ledger: Ledger;
  /** None are processes of the rig: they are pods. */
  readonly autoscalers: readonly never[];
  /** The name of a pool's Deployment. */
  deployment(pool: string): string;
  /** Runs Helm in the namespace. Rejects with what it and the pods said when it fails. */
  helm(args: readonly string[]): Promise<HelmAnswer>;
  /** Install or upgrade with these values over the rig's own; waits until what was rendered is ready. */
  install(values: Values): Promise<HelmAnswer>;
  upgrade(values: Values, args?: readonly string[]): Promise<HelmAnswer>;
  pods(component: 'worker' | 'autoscaler', pool?: string): Promise<readonly Pod[]>;
  /** The pod that leads, by its own answer. */
  leader(): Promise<Pod>;
  pool(name: string): Promise<PoolSummary>;
  metrics(): Promise<string>;
  /** Tasks that note their start and end in the ledger; resolves with their ids. `celery` default the rig's own. */
  publish(queue: string, count: number, ms: number, celery?: Celery): Promise<readonly string[]>;
  wanted(pool: string): Promise<number>;
  /** Neither wanted nor there. */
  atZero(pool: string, timeoutMs?: number): Promise<void>;
  /** By a Deployment's name. */
  history(deployment: string): readonly ReplicasChange[];
  /** As `until`; the error tells what the autoscalers said. */
  eventually<T>(what: string, ask: () => T | Promise<T>, timeoutMs?: number): Promise<NonNullable<T>>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Replicas of a pool at most. */
export const MOST = 4;

const SCALING = {
  ...{ min: 0, max: MOST, goal: { queueWait: '4s', expectedTaskTime: '1s', expectedStartTime: '3s' } },
  ...{ idleToZero: '3s', downDelay: '2s' },
};

export interface ChartRigOptions {
  /** Images besides the chart's own, by their whole names. */
  readonly images?: Readonly<Record<string, TestImage>>;
  /** Whether the API server refuses and warns of pods that are not Pod Security "restricted". Default true. */
  readonly restricted?: boolean;
}

export async function startChartRig(helm: Helm, options: ChartRigOptions = {}): Promise<ChartRig> {
  const stack = new AsyncDisposableStack();
  try {
    const program = await helmProgram(helm);
    const cluster = await sharedControlPlane();
    const namespace = await cluster.createNamespace();
    stack.defer(() => cluster.deleteNamespace(namespace).catch(() => undefined));
    const labels = Object.fromEntries(['enforce', 'warn', 'audit'].map((mode) => [`pod-security.kubernetes.io/${mode}`, 'restricted']));
    if (options.restricted !== false) await cluster.api.patch(resourcePath('Namespace', undefined, namespace), { metadata: { labels } });
    const redis = await startRedis();
    stack.defer(() => redis.stop());
    const proxy = stack.use(await startApiProxy(cluster));
    const images = stack.use(chartImages(options.images));
    const kubelet = await startKubelet({
      ...{ controlPlane: cluster, namespace, services: true, restartBackOffMs: 1_000, volumeSyncMs: 200 },
      ...{ images: images.images, server: `https://127.0.0.1:${proxy.port}` },
    });
    stack.defer(() => kubelet.stop());
    const celery = new Celery({ broker: redis.url, backend: redis.database(1) });
    stack.defer(() => celery.close());
    const ledger = stack.use(createLedger());
    const folder = mkdtempSync(join(tmpdir(), 'celeriac-chart-'));
    stack.defer(() => rmSync(folder, { recursive: true, force: true }));
    const changes = watchReplicas(cluster, namespace, stack);

    const release = 'demo';
    const common: Values = {
      image: images.worker,
      broker: { url: redis.url },
      resultBackend: { url: redis.database(1) },
      autoscaler: { image: images.autoscaler, lease: { duration: '5s', renewDeadline: '3s', retryPeriod: '500ms' } },
      defaults: {
        ...{ app: TASKS, concurrency: 2, terminationGracePeriodSeconds: 60, scaling: SCALING },
        probes: { readiness: { periodSeconds: 1 } },
      },
    };
    const homes = {
      HELM_CACHE_HOME: join(folder, 'cache'),
      HELM_CONFIG_HOME: join(folder, 'config'),
      HELM_DATA_HOME: join(folder, 'data'),
    };
    const env = { PATH: process.env['PATH'], HOME: folder, KUBECONFIG: cluster.kubeconfig, ...homes };
    const run = (args: readonly string[]): Promise<HelmAnswer> =>
      new Promise((settle, fail) => {
        execFile(program, ['--namespace', namespace, ...args], { env, timeout: HELM_LIMIT_MS }, (error, stdout, stderr) => {
          if (error === null) settle({ stdout, stderr });
          else fail(new Error(`${helm} ${args.join(' ')}: ${stdout}${stderr}\n${kubelet.logs(release).slice(-8_000)}`));
        });
      });
    const apply = (command: readonly string[], values: Values, args: readonly string[] = []): Promise<HelmAnswer> => {
      const file = join(folder, 'values.json');
      writeFileSync(file, JSON.stringify(merged(common, values)));
      return run([...command, release, CHART, '-f', file, '--wait', '--timeout', '200s', ...args]);
    };

    const rig: ChartRig = {
      ...{ cluster, namespace, release, redis, kubelet, proxy, celery, ledger, autoscalers: [] },
      deployment: (pool) => `${release}-celeriac-${pool}`,
      helm: run,
      install: (values) => apply(['install'], values),
      upgrade: (values, args) => apply(['upgrade'], values, args),
      async pods(component, pool) {
        const labelSelector = [`app.kubernetes.io/component=${component}`, ...(pool === undefined ? [] : [`celeriac.dev/pool=${pool}`])];
        const query = { labelSelector: labelSelector.join(',') };
        return (await cluster.api.get<KubeList<Pod>>(resourcePath('Pod', namespace), query)).items;
      },
      leader: () => rig.eventually('a leader', async () => leaderOf(await rig.pods('autoscaler'))),
      async pool(name) {
        const { pools } = JSON.parse(await ask(await rig.leader(), '/api/pools')) as { pools: readonly PoolSummary[] };
        const found = pools.find(({ pool }) => pool === name);
        if (found === undefined) throw new Error(`no pool ${name} among ${pools.map(({ pool }) => pool).join(', ')}`);
        return found;
      },
      metrics: async () => ask(await rig.leader(), '/metrics'),
      async publish(queue, count, ms, through = celery) {
        const ids = Array.from({ length: count }, (_, index) => `${queue}-${performance.now().toFixed(3)}-${index}`);
        await Promise.all(ids.map((id) => through.sendTask('test.work', { args: [ledger.path, id, ms], queue })));
        return ids;
      },
      async wanted(pool) {
        const path = resourcePath('Deployment', namespace, rig.deployment(pool), 'scale');
        return (await cluster.api.get<KubeObject<{ replicas?: number }>>(path)).spec?.replicas ?? 0;
      },
      async atZero(pool, timeoutMs = 120_000) {
        const empty = async (): Promise<boolean> => (await rig.wanted(pool)) === 0 && (await rig.pods('worker', pool)).length === 0;
        await rig.eventually(`${pool} at zero`, empty, timeoutMs);
      },
      history: (deployment) => changes.get(deployment) ?? [],
      eventually: (what, question, timeoutMs = 90_000) =>
        until(question, { timeoutMs, everyMs: 100, what }).catch((error: Error) => {
          throw new Error(`${error.message}\n${kubelet.logs(release).slice(-8_000)}`);
        }),
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    };
    return rig;
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

/** What a person would get from a port-forward to this pod. */
export async function ask(pod: Pod, path: string): Promise<string> {
  const answer = await fetch(`http://${pod.status?.podIP}:9810${path}`, { signal: AbortSignal.timeout(10_000) });
  return answer.text();
}

async function leaderOf(pods: readonly Pod[]): Promise<Pod | undefined> {
  for (const pod of pods) {
    const answer = await ask(pod, '/readyz').catch(() => '');
    if (/^(ok|signals missing)/.test(answer)) return pod;
  }
  return undefined;
}

async function helmProgram(helm: Helm): Promise<string> {
  const assets = await kubernetesAssets();
  if ('missing' in assets) throw new Error(assets.missing);
  const path = join(assets.folder, helm);
  if (!existsSync(path)) throw new Error(`no ${helm} in ${assets.folder}`);
  return path;
}

/** As Helm lays one file of values over another: maps by their keys, all else whole. */
function merged(under: Values, over: Values): Values {
  const isMap = (value: unknown): value is Values => typeof value === 'object' && value !== null && !Array.isArray(value);
  const both = Object.entries(over).map(([key, value]) => {
    const below = under[key];
    return [key, isMap(below) && isMap(value) ? merged(below, value) : value];
  });
  return { ...under, ...Object.fromEntries(both) };
}
