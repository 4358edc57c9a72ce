import type { Logger } from '@celeriac/brokers';
import type { Credentials } from '../kubernetes/credentials.ts';
import type { LeaseTimings } from './election.ts';
import type { Lease } from './lease.ts';

/** Where the lease is kept. */
export type LeaseConfig =
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

/** The lease of an autoscaler, loading only its kind. */
export async function createLease(config: LeaseConfig): Promise<Lease> {
  if (config.kind === 'single') {
    const { singleLease } = await import('./single.ts');
    return singleLease();
  }
  const { credentials, namespace, name, timings, logger } = config;
  const { createApiClient } = await import('../kubernetes/api-client.ts');
  const { kubernetesLease } = await import('./kubernetes-lease.ts');
  const client = createApiClient({ credentials, logger });
  const lease = kubernetesLease({
    client,
    namespace: namespace ?? credentials.namespace,
    logger,
    ...(name === undefined ? {} : { name }),
    ...(timings === undefined ? {} : { timings }),
  });
  return closingBehind(lease, () => client.close());
}

/** The lease, and what it was made on closed behind it. */
function closingBehind(lease: Lease, end: () => void): Lease {
  return {
    start: () => lease.start(),
    held: () => lease.held(),
    get holder() {
      return lease.holder;
    },
    memory: lease.memory,
    onChange: (listener) => lease.onChange(listener),
    close: () => lease.close().finally(end),
  };
}
