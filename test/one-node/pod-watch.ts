// The life of every pod of a release as it is seen from outside: when each step of it was seen first, and how its containers ended.

import type { KubeObject } from '../kubernetes/objects.ts';
import type { OneNode } from './cluster.ts';
import { watchWithKubectl } from './kubectl-watch.ts';

/** Times are this machine's, as `Date.now()`, when kubectl told of them; absent where it has not happened. */
export interface PodLife {
  readonly name: string;
  readonly pool: string | undefined;
  readonly createdAtMs: number;
  readonly scheduledAtMs?: number;
  /** Its first container runs. */
  readonly startedAtMs?: number;
  readonly readyAtMs?: number;
  /** It is asked to end. */
  readonly deletingAtMs?: number;
  readonly goneAtMs?: number;
  /** Of all containers together. */
  readonly restarts: number;
  /** How containers ended, without those that ended well. */
  readonly failures: readonly string[];
}

export interface PodWatch {
  /** In the order they were seen, those that are gone with them. */
  pods(pool?: string): readonly PodLife[];
  /** Those that are not gone. */
  here(pool?: string): readonly PodLife[];
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

interface ContainerEnd {
  readonly exitCode: number;
  readonly reason?: string;
}

interface PodStatus {
  readonly phase?: string;
  readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  readonly containerStatuses?: readonly {
    readonly name: string;
    readonly restartCount: number;
    readonly state: { readonly running?: object; readonly terminated?: ContainerEnd };
    readonly lastState: { readonly terminated?: ContainerEnd };
  }[];
}

type Pod = KubeObject<Readonly<Record<string, unknown>>, PodStatus>;

/** `selector` defaults to every pod of the namespace that belongs to a pool. */
export function watchPods(cluster: OneNode, namespace: string, selector = 'celeriac.dev/pool'): PodWatch {
  const lives = new Map<string, PodLife>();
  const watch = watchWithKubectl<Pod>(cluster, 'pods', namespace, selector, ({ type, object }) => {
    const key = object.metadata.uid ?? object.metadata.name;
    lives.set(key, follow(lives.get(key), object, type === 'DELETED', Date.now()));
  });
  const pods: PodWatch['pods'] = (pool) => [...lives.values()].filter((life) => pool === undefined || life.pool === pool);
  return {
    pods,
    here: (pool) => pods(pool).filter((life) => life.goneAtMs === undefined),
    stop: watch.stop,
    [Symbol.asyncDispose]: watch.stop,
  };
}

function follow(before: PodLife | undefined, pod: Pod, gone: boolean, nowMs: number): PodLife {
  const { metadata, status } = pod;
  const life = before ?? {
    name: metadata.name,
    pool: metadata.labels?.['celeriac.dev/pool'],
    createdAtMs: nowMs,
    restarts: 0,
    failures: [],
  };
  const holds = (type: string): boolean => status?.conditions?.some((one) => one.type === type && one.status === 'True') ?? false;
  const containers = status?.containerStatuses ?? [];
  const seen = {
    scheduledAtMs: holds('PodScheduled'),
    startedAtMs: containers.some((one) => one.state.running !== undefined),
    readyAtMs: holds('Ready'),
    deletingAtMs: metadata.deletionTimestamp !== undefined,
    goneAtMs: gone,
  };
  const news = Object.entries(seen).filter(([step, now]) => now && life[step as keyof typeof seen] === undefined);
  const failures = containers.flatMap((one) =>
    [one.state.terminated, one.lastState.terminated]
      .filter((end) => end !== undefined && end.exitCode !== 0)
      .map((end) => `${one.name} ended with ${end?.exitCode} ${end?.reason}`),
  );
  return {
    ...life,
    ...Object.fromEntries(news.map(([step]) => [step, nowMs])),
    restarts: containers.reduce((sum, one) => sum + one.restartCount, 0),
    failures: [...new Set([...life.failures, ...failures])],
  };
}
