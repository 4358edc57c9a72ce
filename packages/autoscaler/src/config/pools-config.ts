import type { PoolSize } from '@celeriac/protocol';
import type { PoolSpec } from '../decide/spec.ts';

/** What a pool scales. */
export type TargetConfig =
  | {
      readonly kind: 'local';
      readonly command: readonly string[];
      readonly cwd: string | undefined;
      readonly startTimeoutMs: number;
      readonly drainTimeoutMs: number;
    }
  | { readonly kind: 'deployment'; readonly namespace: string | undefined; readonly name: string };

/** One pool, ready to be run. */
export interface PoolConfig {
  readonly spec: PoolSpec;
  readonly target: TargetConfig;
  /** What one replica has, where the file says so; `replicaSize` of the protocol gives numbers. */
  readonly size?: PoolSize | undefined;
}

/** Where the queues are. The URL may hold a password: it is never logged. */
export interface BrokerConfig {
  readonly source: { readonly url: string } | { readonly urlFile: string };
  /** Celery's `broker_transport_options` in camelCase. */
  readonly transportOptions: Readonly<Record<string, unknown>>;
}

/** A whole configuration; `broker` is undefined where the file names none. */
export interface PoolsConfig {
  readonly broker: BrokerConfig | undefined;
  readonly pools: readonly PoolConfig[];
}
