import { hostname } from 'node:os';
import type { Logger } from '@celeriac/brokers';
import type { PoolsConfig } from '../config/pools-config.ts';
import { connectKubernetes, type KubernetesConnection, readCredentials } from './connection.ts';

/** The one connection to the cluster of a configuration, opened by the first who needs it. */
export class LazyConnection {
  readonly #options: LazyConnectionOptions;
  #opening: Promise<KubernetesConnection> | undefined;
  #opened: KubernetesConnection | undefined;

  constructor(options: LazyConnectionOptions) {
    this.#options = options;
  }

  /** Undefined before somebody needed it. */
  get opened(): KubernetesConnection | undefined {
    return this.#opened;
  }

  /** Rejects with CELERIAC_E_CONFIG where there is no way to a cluster. */
  open(): Promise<KubernetesConnection> {
    this.#opening ??= this.#open();
    return this.#opening;
  }

  /** The namespace of a pool's Deployment; `local` for pools of local processes. */
  namespaceOf(target: PoolsConfig['pools'][number]['target'] | undefined): string {
    if (target?.kind !== 'deployment') return 'local';
    return target.namespace ?? this.#options.config.kubernetes?.namespace ?? this.#opened?.credentials.namespace ?? 'default';
  }

  async close(): Promise<void> {
    await this.#opening?.then(
      (connection) => connection.close(),
      () => undefined,
    );
  }

  async #open(): Promise<KubernetesConnection> {
    const { config, env, logger, now } = this.#options;
    const namespaces = config.pools.flatMap(({ target }) =>
      target.kind === 'deployment' ? [target.namespace ?? config.kubernetes?.namespace] : [],
    );
    const { kubeconfig, context } = config.kubernetes ?? {};
    const credentials = await readCredentials({ kubeconfig, context, env });
    this.#opened = await connectKubernetes({ credentials, namespaces, instance: hostname(), logger, now });
    return this.#opened;
  }
}

export interface LazyConnectionOptions {
  readonly config: PoolsConfig;
  /** Where kubectl's variables are looked for. */
  readonly env: Readonly<Record<string, string | undefined>> | undefined;
  readonly logger: Logger;
  /** Epoch ms. */
  readonly now: () => number;
}
