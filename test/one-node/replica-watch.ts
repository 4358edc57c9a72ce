// The replicas that each Deployment of a release was given, one after the other.

import type { KubeObject } from '../kubernetes/objects.ts';
import type { OneNode } from './cluster.ts';
import { watchWithKubectl } from './kubectl-watch.ts';

export interface ReplicaChange {
  readonly replicas: number;
  readonly atMs: number;
}

export interface ReplicaWatch {
  /** What `spec.replicas` of a pool's Deployment was, from the first look on, without repetitions. */
  changes(pool: string): readonly ReplicaChange[];
  /** What it is now; `undefined` before the first look. */
  now(pool: string): number | undefined;
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export function watchReplicas(cluster: OneNode, namespace: string): ReplicaWatch {
  const all = new Map<string, ReplicaChange[]>();
  type Deployment = KubeObject<{ readonly replicas: number }>;
  const watch = watchWithKubectl<Deployment>(cluster, 'deployments', namespace, 'celeriac.dev/pool', ({ type, object }) => {
    const pool = object.metadata.labels?.['celeriac.dev/pool'] ?? '';
    const changes = all.get(pool) ?? [];
    all.set(pool, changes);
    const replicas = object.spec?.replicas ?? 0;
    if (type !== 'DELETED' && changes.at(-1)?.replicas !== replicas) changes.push({ replicas, atMs: Date.now() });
  });
  return {
    changes: (pool) => all.get(pool) ?? [],
    now: (pool) => all.get(pool)?.at(-1)?.replicas,
    stop: watch.stop,
    [Symbol.asyncDispose]: watch.stop,
  };
}
