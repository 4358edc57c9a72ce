// A release of the chart in a namespace of its own, with what a user would look at from outside: its pods, its replicas, a ledger of what ran.

import { resolve } from 'node:path';
import { Celery } from '@celeriac/producer';
import { until } from '../until.ts';
import type { ReachableBroker } from './broker.ts';
import type { OneNode } from './cluster.ts';
import { type HttpLedger, startHttpLedger } from './http-ledger.ts';
import { type PodWatch, watchPods } from './pod-watch.ts';
import { type ReplicaWatch, watchReplicas } from './replica-watch.ts';
import { defaultValues, type Values } from './values.ts';

export const CHART: string = resolve(import.meta.dirname, '../../helm/celeriac');
const ZERO_LIMIT_MS = 240_000;

export interface ReleaseOptions {
  readonly cluster: OneNode;
  readonly broker: ReachableBroker;
  readonly helm: 3 | 4;
}

export interface Release {
  readonly name: string;
  readonly namespace: string;
  readonly ledger: HttpLedger;
  readonly pods: PodWatch;
  readonly replicas: ReplicaWatch;
  /** A Node producer on the release's broker. */
  readonly app: Celery;
  /** `helm` with this release's namespace. */
  helm(args: readonly string[], values?: Values): Promise<string>;
  install(values?: Values): Promise<void>;
  /** Does not wait for the rollout. */
  upgrade(values: Values): Promise<void>;
  /** Publishes tasks that take `ms` each to a queue; returns their ids in the ledger once the broker has them. */
  publish(queue: string, count: number, ms: number): Promise<readonly string[]>;
  /** What the leading autoscaler prints on its metrics port, or on that of the `celery_*` names, through the API server. */
  metrics(port: 'http' | 'celery-metrics'): Promise<string>;
  /** Resolves when the pools are set to zero and their pods are gone. */
  atZero(...pools: readonly string[]): Promise<void>;
  /** What Kubernetes has of it, and what the autoscaler wrote, for messages. */
  report(): Promise<string>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** The namespace and everything around it; nothing is installed yet. */
export async function prepareRelease({ cluster, broker, helm }: ReleaseOptions): Promise<Release> {
  const name = 'fleet';
  const namespace = await cluster.createNamespace('e2e');
  const ledger = await startHttpLedger(cluster.hostAddress);
  const pods = watchPods(cluster, namespace);
  const replicas = watchReplicas(cluster, namespace);
  const app = new Celery({ broker: broker.url, backend: broker.backend });
  let published = 0;

  const callHelm: Release['helm'] = (args, values) => {
    const given = values === undefined ? [] : ['--values', '-'];
    return cluster.helm(helm, [...args, '--namespace', namespace, ...given], { stdin: JSON.stringify(values ?? {}) });
  };
  const report = async (): Promise<string> => {
    const autoscaler = ['-n', namespace, '-l', 'app.kubernetes.io/component=autoscaler', '--tail', '60', '--prefix'];
    const asked = [
      ['get', 'deployments,pods,jobs', '-n', namespace, '-o', 'wide'],
      ['get', 'events', '-n', namespace, '--sort-by', '.lastTimestamp'],
      ['logs', ...autoscaler],
      ['logs', '-n', namespace, '-l', 'celeriac.dev/pool', '--tail', '10', '--prefix'],
    ];
    const answers = await Promise.all(asked.map((args) => cluster.kubectl(args).catch((error: Error) => error.message)));
    return [...answers, JSON.stringify(pods.pods(), null, 1)].join('\n---\n');
  };
  return {
    name,
    namespace,
    ledger,
    pods,
    replicas,
    app,
    helm: callHelm,
    install: async (values = {}) => {
      await callHelm(['install', name, CHART, '--wait', '--timeout', '6m'], defaultValues(cluster, broker, values));
    },
    upgrade: async (values) => {
      await callHelm(['upgrade', name, CHART], defaultValues(cluster, broker, values));
    },
    publish: async (queue, count, ms) => {
      const ids = Array.from({ length: count }, () => `${queue}-${++published}`);
      await Promise.all(ids.map((id) => app.sendTask('e2e.work', { args: [ledger.url, id, ms], queue })));
      return ids;
    },
    metrics: (port) =>
      cluster.kubectl([
        'get',
        '--raw',
        `/api/v1/namespaces/${namespace}/services/${name}-celeriac-autoscaler-leader:${port}/proxy/metrics`,
      ]),
    atZero: async (...pools) => {
      const empty = (): boolean => pools.every((pool) => replicas.now(pool) === 0 && pods.here(pool).length === 0);
      await until(empty, { timeoutMs: ZERO_LIMIT_MS, everyMs: 100, what: `${pools.join(' and ')} at zero` });
    },
    report,
    [Symbol.asyncDispose]: async () => {
      await Promise.all([pods.stop(), replicas.stop(), app.close(), ledger.stop()]);
      await cluster.deleteNamespace(namespace);
    },
  };
}
