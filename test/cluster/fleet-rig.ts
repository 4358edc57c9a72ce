// A whole fleet on a real control plane: a broker, `celeriac autoscale` as a process with the Role of examples/kubernetes/rbac.yaml and
// nothing more, Deployments whose pods run real workers under the test kubelet, and a ledger outside the broker.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Explanation, JournalRecord, PoolSummary } from '@celeriac/autoscaler';
import { Celery } from '@celeriac/producer';
import { freePort } from '../brokers/free-port.ts';
import { startRabbitmq } from '../brokers/rabbitmq.ts';
import { startRedis } from '../brokers/redis.ts';
import type { Gate } from '../integration/gate.ts';
import { type Kubelet, type KubeletOptions, startKubelet } from '../kubelet/kubelet.ts';
import { type ControlPlane, sharedControlPlane } from '../kubernetes/control-plane.ts';
import { untilAllowed } from '../kubernetes/in-force.ts';
import { type DeploymentSettings, workerDeployment } from '../kubernetes/manifests.ts';
import { type KubeObject, resourcePath } from '../kubernetes/objects.ts';
import { celeriacProgram, type WorkerProgram } from '../kubernetes/worker-program.ts';
import { createLedger, type Ledger } from '../ledger/ledger.ts';
import type { SpawnedProcess } from '../spawned-process.ts';
import { until } from '../until.ts';
import { startCeleriac } from '../worker-process.ts';
import { type ReplicasChange, watchReplicas } from './replica-history.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const TASKS = 'test/integration/autoscaler-tasks.ts';
const ACCOUNT = 'celeriac-autoscaler';

export type BrokerKind = 'redis' | 'rabbitmq';

/** One pool: its Deployment and its part of pools.yaml. */
export interface FleetPool {
  readonly name: string;
  /** Default: `[name]`. */
  readonly queues?: readonly string[];
  /** Default 2. */
  readonly slots?: number;
  /** `scaling` of pools.yaml, as YAML flow text. Default: fast enough for tests. */
  readonly scaling?: string;
  /** Further keys of `target.deployment`, as YAML flow text without braces. */
  readonly deployment?: string;
  /** Default: a Celeriac worker with the ledger's task. */
  readonly program?: (broker: string) => WorkerProgram;
  readonly settings?: Partial<DeploymentSettings>;
}

/** One `celeriac autoscale`. */
export interface AutoscalerProcess {
  readonly process: SpawnedProcess;
  /** `http://127.0.0.1:PORT` */
  readonly server: string;
  pools(): Promise<readonly PoolSummary[]>;
  journal(pool?: string): Promise<readonly JournalRecord[]>;
  metrics(): Promise<string>;
  explain(pool: string): Promise<Explanation>;
}

/** How one of them differs from the others. */
export interface AutoscalerSettings {
  /** Default: the fleet's. */
  readonly kubeconfig?: string;
  readonly args?: readonly string[];
  /** Added to its environment. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface Fleet {
  readonly cluster: ControlPlane;
  readonly namespace: string;
  readonly kubelet: Kubelet;
  readonly broker: string;
  readonly celery: Celery;
  readonly ledger: Ledger;
  readonly autoscalers: readonly AutoscalerProcess[];
  /** Path of the kubeconfig of the autoscaler's account. */
  readonly kubeconfig: string;
  startAutoscaler(options?: AutoscalerSettings): Promise<AutoscalerProcess>;
  /** Publishes tasks that note their start and end in the ledger, and wait at a gate first; resolves with their ids. */
  publish(queue: string, count: number, ms: number, gate?: Gate): Promise<readonly string[]>;
  /** `spec.replicas`. */
  wanted(deployment: string): Promise<number>;
  /** Pods of it that are not leaving. */
  running(deployment: string): Promise<readonly KubeObject[]>;
  /** Neither wanted nor there. */
  atZero(deployment: string, timeoutMs?: number): Promise<void>;
  /** Every change of `spec.replicas` since the start, oldest first. */
  changes(deployment: string): readonly number[];
  /** The same with the times. */
  history(deployment: string): readonly ReplicasChange[];
  [Symbol.asyncDispose](): Promise<void>;
}

export interface FleetOptions {
  readonly broker: BrokerKind | { readonly url: string };
  readonly pools: readonly FleetPool[];
  /** How many autoscalers to start. Default 1. */
  readonly autoscalers?: number;
  /** Default: the shared one. */
  readonly cluster?: ControlPlane;
  readonly kubelet?: Partial<KubeletOptions>;
  /** Further top-level text of pools.yaml. */
  readonly config?: string;
}

const FAST = '{ min: 0, max: 10, goal: { queueWait: 4s, expectedTaskTime: 1s, expectedStartTime: 3s }, idleToZero: 3s, downDelay: 2s }';
/** `config` of fleets in which nobody is to lose it: an answer that is late on a busy machine does not. */
export const STEADY_LEASE = 'lease: { duration: 15s, renewDeadline: 10s, retryPeriod: 500ms }';
const QUICK_LEASE = 'lease: { duration: 5s, renewDeadline: 3s, retryPeriod: 500ms }';

/** Starts all of it and resolves when every autoscaler answers. */
export async function startFleet(options: FleetOptions): Promise<Fleet> {
  const stack = new AsyncDisposableStack();
  try {
    const cluster = options.cluster ?? (await sharedControlPlane());
    const namespace = await cluster.createNamespace();
    stack.defer(() => cluster.deleteNamespace(namespace).catch(() => undefined));
    const broker = await brokerOf(options.broker, stack);
    const kubelet = await startKubelet({ controlPlane: cluster, namespace, restartBackOffMs: 500, ...options.kubelet });
    stack.defer(() => kubelet.stop());
    const celery = new Celery({ broker });
    stack.defer(() => celery.close());
    const ledger = stack.use(createLedger());
    const folder = mkdtempSync(join(tmpdir(), 'celeriac-fleet-'));
    stack.defer(() => rmSync(folder, { recursive: true, force: true }));

    await cluster.kubectl(['apply', '--namespace', namespace, '-f', resolve(ROOT, 'examples/kubernetes/rbac.yaml')]);
    await cluster.created(namespace, ...options.pools.map((pool) => deploymentOf(pool, broker)));
    const kubeconfig = await cluster.kubeconfigFor(namespace, ACCOUNT);
    await untilAllowed(cluster, namespace, ACCOUNT, [{ apiGroups: ['apps'], resources: ['deployments'], verbs: ['list'] }]);
    const file = join(folder, 'pools.yaml');
    writeFileSync(join(folder, 'broker-url'), broker, { mode: 0o600 });
    writeFileSync(file, poolsYaml(options, namespace, join(folder, 'broker-url')));

    const changes = watchReplicas(cluster, namespace, stack);
    const autoscalers: AutoscalerProcess[] = [];
    const fleet: Fleet = {
      cluster,
      namespace,
      kubelet,
      broker,
      celery,
      ledger,
      autoscalers,
      kubeconfig,
      async startAutoscaler(own = {}) {
        const port = await freePort();
        const args = ['autoscale', '-f', file, '--http', `127.0.0.1:${port}`, '--journal', join(folder, `journal-${port}.jsonl`)];
        const env = { ...process.env, KUBECONFIG: own.kubeconfig ?? kubeconfig, ...own.env };
        const command = startCeleriac([...args, ...(own.args ?? [])], { env });
        stack.defer(async () => {
          command.signal('SIGCONT');
          await command.stop();
        });
        const autoscaler = autoscalerAt(`http://127.0.0.1:${port}`, command);
        autoscalers.push(autoscaler);
        await command.line(/autoscaler ready/, 60_000);
        return autoscaler;
      },
      async publish(queue, count, ms, gate) {
        const ids = Array.from({ length: count }, (_, index) => `${queue}-${performance.now().toFixed(3)}-${index}`);
        const last = gate === undefined ? [] : [gate.path];
        await Promise.all(ids.map((id) => celery.sendTask('test.work', { args: [ledger.path, id, ms, ...last], queue })));
        return ids;
      },
      async wanted(deployment) {
        const { spec } = await cluster.api.get<KubeObject<{ replicas: number }>>(
          resourcePath('Deployment', namespace, deployment, 'scale'),
        );
        return spec?.replicas ?? 0;
      },
      async running(deployment) {
        const list = await cluster.api.get<{ items: KubeObject[] }>(resourcePath('Pod', namespace), { labelSelector: `app=${deployment}` });
        return list.items.filter((pod) => (pod.metadata as { deletionTimestamp?: string }).deletionTimestamp === undefined);
      },
      async atZero(deployment, timeoutMs = 120_000) {
        const path = resourcePath('Pod', namespace);
        const empty = async (): Promise<boolean> => {
          const pods = await cluster.api.get<{ items: unknown[] }>(path, { labelSelector: `app=${deployment}` });
          return pods.items.length === 0 && (await fleet.wanted(deployment)) === 0;
        };
        await until(empty, { timeoutMs, everyMs: 100, what: `${deployment} at zero` }).catch(async (error: Error) => {
          const pools = await Promise.allSettled(autoscalers.map((one) => one.pools()));
          const objects = await cluster.kubectl(['get', 'deployments,replicasets,pods', '-n', namespace, '-o', 'wide']).catch(String);
          throw new Error(`${error.message}\n${JSON.stringify(pools, null, 1)}\n${objects}\n${said(autoscalers)}`);
        });
      },
      changes: (deployment) => (changes.get(deployment) ?? []).map(({ replicas }) => replicas),
      history: (deployment) => changes.get(deployment) ?? [],
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    };
    for (let count = 0; count < (options.autoscalers ?? 1); count += 1) await fleet.startAutoscaler();
    return fleet;
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

/** What the autoscalers wrote last, for the message of a failure. */
export function said(autoscalers: readonly AutoscalerProcess[]): string {
  return autoscalers.map(({ process, server }) => `--- ${server}\n${process.output().slice(-6_000)}`).join('\n');
}

async function brokerOf(broker: FleetOptions['broker'], stack: AsyncDisposableStack): Promise<string> {
  if (typeof broker !== 'string') return broker.url;
  if (broker === 'redis') {
    const redis = await startRedis();
    stack.defer(() => redis.stop());
    return redis.url;
  }
  const rabbitmq = await startRabbitmq();
  const vhost = await rabbitmq.createVhost();
  stack.defer(() => rabbitmq.deleteVhost(vhost));
  return vhost.url;
}

function deploymentOf(pool: FleetPool, broker: string) {
  const queues = pool.queues ?? [pool.name];
  const program = pool.program?.(broker) ?? celeriacProgram({ tasks: TASKS, broker, queues, slots: pool.slots ?? 2, drainTimeoutS: 20 });
  return workerDeployment({ name: pool.name, program, graceS: 30, ...pool.settings });
}

function poolsYaml(options: FleetOptions, namespace: string, urlFile: string): string {
  const pools = options.pools.map(
    ({ name, queues = [name], slots = 2, scaling = FAST, deployment = '' }) => `
  ${name}:
    queues: [${queues.join(', ')}]
    slotsPerReplica: ${slots}
    scaling: ${scaling}
    target: { deployment: { namespace: ${namespace}, name: ${name}${deployment === '' ? '' : `, ${deployment}`} } }`,
  );
  return `broker: { urlFile: ${urlFile} }\n${options.config ?? QUICK_LEASE}\npools:${pools.join('')}\n`;
}

function autoscalerAt(server: string, command: SpawnedProcess): AutoscalerProcess {
  const get = async (path: string): Promise<Response> => fetch(`${server}${path}`, { signal: AbortSignal.timeout(15_000) });
  return {
    process: command,
    server,
    pools: async () => ((await (await get('/api/pools')).json()) as { pools: PoolSummary[] }).pools,
    journal: async (pool) => {
      const query = pool === undefined ? '' : `?pool=${pool}`;
      return ((await (await get(`/api/journal${query}`)).json()) as { records: JournalRecord[] }).records;
    },
    metrics: async () => (await get('/metrics')).text(),
    explain: async (pool) => (await (await get(`/api/pools/${pool}/explain`)).json()) as Explanation,
  };
}

/** The text of a file of the repository. */
export function repositoryFile(path: string): string {
  return readFileSync(resolve(ROOT, path), 'utf8');
}
