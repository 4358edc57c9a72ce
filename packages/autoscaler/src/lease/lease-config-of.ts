import type { Logger } from '@celeriac/brokers';
import type { PoolsConfig } from '../config/pools-config.ts';
import type { KubernetesConnection } from '../kubernetes/connection.ts';
import type { LeaseConfig } from './registry.ts';

/** Where the lease of a configuration is kept; only one on Kubernetes needs the connection. */
export async function leaseConfigOf(
  config: PoolsConfig,
  connection: () => Promise<Pick<KubernetesConnection, 'credentials'>>,
  logger: Logger,
): Promise<LeaseConfig> {
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
