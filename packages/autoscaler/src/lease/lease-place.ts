import type { Logger } from '@celeriac/brokers';
import type { PoolsConfig } from '../config/pools-config.ts';
import type { KubernetesConnection } from '../kubernetes/connection.ts';
import type { Credentials } from '../kubernetes/credentials.ts';
import type { LeaseTimings } from './election.ts';

/** Where the lease is kept. */
export type LeasePlace =
  /** We are the only autoscaler. */
  | { readonly kind: 'single' }
  | {
      readonly kind: 'kubernetes';
      readonly credentials: Credentials;
      /** Default: that of the credentials. */
      readonly namespace?: string | undefined;
      /** Default `celeriac-autoscaler`. */
      readonly name?: string | undefined;
      /** Default 15 s, 10 s, 2 s. */
      readonly timings?: LeaseTimings | undefined;
      readonly logger: Logger;
    };

/** Where the lease of a configuration is kept; only one on Kubernetes needs the connection. */
export async function leasePlaceOf(
  config: PoolsConfig,
  connection: () => Promise<Pick<KubernetesConnection, 'credentials'>>,
  logger: Logger,
): Promise<LeasePlace> {
  if (config.lease == null) return { kind: 'single' };
  const { name, namespace, durationMs, renewDeadlineMs, retryPeriodMs } = config.lease;
  const { credentials } = await connection();
  return {
    kind: 'kubernetes',
    credentials,
    name,
    namespace: namespace ?? config.kubernetes?.namespace,
    timings: { leaseDurationMs: durationMs, renewDeadlineMs, retryPeriodMs },
    logger,
  };
}
