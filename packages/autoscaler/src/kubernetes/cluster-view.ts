import type { Logger } from '@celeriac/brokers';
import { type ApiClient, pathOf } from './api-client.ts';
import type { ClusterChange, ClusterView, WatchedKind } from './cluster.ts';
import type { ListWatchLimits } from './follower.ts';
import { NamespaceView } from './namespace-view.ts';
import { createTurns } from './turns.ts';

export type { ClusterChange, ClusterView, Freshness, WatchedKind, WatchHealth } from './cluster.ts';
export type { GonePod } from './gone-pods.ts';

/** Pages of so many collections may be in memory at a time. */
const LISTS_AT_ONCE = 2;

/** Makes a view; nothing is asked for before `start`. */
export function createClusterView(options: {
  readonly client: ApiClient;
  readonly namespaces: readonly string[];
  readonly logger: Logger;
  /** Any clock that does not jump, ms. Default: `performance.now`. */
  readonly now?: () => number;
  /** In [0, 1). Default: Math.random. */
  readonly random?: () => number;
  readonly limits?: Partial<ListWatchLimits>;
}): ClusterView {
  const { client, logger, now = () => performance.now(), random = Math.random, limits = {} } = options;
  const listeners = new Set<(change: ClusterChange) => void>();
  const listTurn = createTurns(LISTS_AT_ONCE);
  const tell = (change: ClusterChange): void => {
    for (const listener of listeners) listener(change);
  };
  const views = new Map(
    options.namespaces.map((namespace) => {
      const view = new NamespaceView({ namespace, tell, client, logger, now, random, listTurn, limits, pathOf: collectionPath });
      return [namespace, view] as const;
    }),
  );
  const all = [...views.values()];

  return {
    start: () => {
      for (const view of all) view.start();
    },
    settled: async () => {
      await Promise.all(all.map((view) => view.settled));
    },
    deployment: (namespace, name) => views.get(namespace)?.index.deployments.get(name) ?? null,
    replicaSetsOf: (uid) => all.flatMap((view) => view.index.replicaSetsOf(uid)),
    podsOf: (uid) => all.flatMap((view) => view.index.podsOf(uid)),
    goneOf: (uid) => all.flatMap((view) => view.gone.of(uid, now())),
    quotas: (namespace) => views.get(namespace)?.quotas ?? [],
    freshness: (namespace) =>
      views.get(namespace)?.freshness() ?? {
        synced: false,
        ageMs: Number.POSITIVE_INFINITY,
        reason: `namespace ${namespace} is not watched`,
        unavailable: [],
      },
    health: () => all.flatMap((view) => view.health()),
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {
      listeners.clear();
      await Promise.all(all.map((view) => view.close()));
    },
  };
}

function collectionPath(kind: WatchedKind, namespace: string): string {
  return kind === 'deployments' || kind === 'replicasets'
    ? pathOf`/apis/apps/v1/namespaces/${namespace}/${kind}`
    : pathOf`/api/v1/namespaces/${namespace}/${kind}`;
}
