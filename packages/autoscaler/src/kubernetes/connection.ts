import type { Logger } from '@celeriac/brokers';
import type { ApiClient } from './api-client.ts';
import type { ClusterView } from './cluster.ts';
import type { Credentials } from './credentials.ts';
import type { EventWriter } from './event-writer.ts';
import type { ScaleWriter } from './scale-writer.ts';

/** How a cluster is reached; what is undefined is found as kubectl finds it. */
export interface KubernetesAccess {
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>> | undefined;
}

/** One way to a cluster, shared by every pool on it. */
export interface KubernetesConnection {
  readonly credentials: Credentials;
  readonly client: ApiClient;
  readonly view: ClusterView;
  readonly scale: ScaleWriter;
  readonly events: EventWriter;
  close(): Promise<void>;
}

/**
 * Opens the connection and begins to watch these namespaces; undefined stands for the credentials' own. Does not wait for an answer.
 * Loads what speaks to Kubernetes only now.
 */
export async function connectKubernetes(options: {
  readonly credentials: Credentials;
  readonly namespaces: readonly (string | undefined)[];
  /** Names the writer of Events. */
  readonly instance: string;
  readonly logger: Logger;
  /** Epoch ms. */
  readonly now: () => number;
}): Promise<KubernetesConnection> {
  const { credentials, instance, logger, now } = options;
  const [{ createApiClient }, { createClusterView }, { createScaleWriter }, { createEventWriter }] = await Promise.all([
    import('./api-client.ts'),
    import('./cluster-view.ts'),
    import('./scale-writer.ts'),
    import('./event-writer.ts'),
  ]);
  const client = createApiClient({ credentials, logger });
  const namespaces = [...new Set(options.namespaces.map((namespace) => namespace ?? credentials.namespace))];
  const view = createClusterView({ client, namespaces, logger });
  view.start();
  return {
    credentials,
    client,
    view,
    scale: createScaleWriter(client),
    events: createEventWriter({ client, logger, now, instance }),
    async close() {
      await view.close();
      client.close();
    },
  };
}

/** Reads the credentials, loading their module only now. Rejects with CELERIAC_E_CONFIG. */
export async function readCredentials({ kubeconfig, context, env }: KubernetesAccess): Promise<Credentials> {
  const { loadCredentials } = await import('./credentials.ts');
  return loadCredentials({ kubeconfig, context, env: env ?? {} });
}
