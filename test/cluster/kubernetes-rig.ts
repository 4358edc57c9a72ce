// A client and a view of one namespace, as the autoscaler makes them, for the tests of how it speaks to Kubernetes.

import type { Logger } from '@celeriac/brokers';
import { type ApiClient, createApiClient } from '../../packages/autoscaler/src/kubernetes/api-client.ts';
import {
  type ClusterChange,
  type ClusterView,
  createClusterView,
  type WatchHealth,
} from '../../packages/autoscaler/src/kubernetes/cluster-view.ts';
import { loadCredentials } from '../../packages/autoscaler/src/kubernetes/credentials.ts';
import type { ListWatchLimits } from '../../packages/autoscaler/src/kubernetes/follower.ts';
import { until } from '../until.ts';

export interface LogLine {
  readonly level: keyof Logger;
  readonly text: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export function recordingLogger(): Logger & { readonly lines: readonly LogLine[] } {
  const lines: LogLine[] = [];
  const at = (level: keyof Logger) => (fields: Readonly<Record<string, unknown>>, text: string) => void lines.push({ level, text, fields });
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

export interface ViewRig extends AsyncDisposable {
  readonly client: ApiClient;
  readonly view: ClusterView;
  readonly changes: readonly ClusterChange[];
  readonly log: readonly LogLine[];
  health(kind: WatchHealth['kind']): WatchHealth;
  /** Waits until it is synced (or is not). */
  synced(wanted?: boolean): Promise<void>;
}

/** Waits after failures are shortened, unless `limits` says otherwise. */
export async function openView(kubeconfig: string, namespace: string, limits: Partial<ListWatchLimits> = {}): Promise<ViewRig> {
  const logger = recordingLogger();
  const client = createApiClient({ credentials: await loadCredentials({ kubeconfig }), logger, requestsPerSecond: 200, burst: 200 });
  const backoff = { firstMs: 50, mostMs: 500 };
  const view = createClusterView({ client, namespaces: [namespace], logger, limits: { backoff, refusedMs: 300, ...limits } });
  const changes: ClusterChange[] = [];
  view.onChange((change) => changes.push(change));
  view.start();
  await view.settled();
  return {
    client,
    view,
    changes,
    log: logger.lines,
    health: (kind) => view.health().find((one) => one.kind === kind) as WatchHealth,
    synced: async (wanted = true) => {
      await until(() => view.freshness(namespace).synced === wanted, { timeoutMs: 60_000, what: `synced: ${wanted}` });
    },
    [Symbol.asyncDispose]: async () => {
      await view.close();
      client.close();
    },
  };
}
