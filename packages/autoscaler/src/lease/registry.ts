import type { Lease } from './lease.ts';
import type { LeasePlace } from './lease-place.ts';

/** The lease of an autoscaler, loading only its kind. */
export async function createLease(config: LeasePlace): Promise<Lease> {
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
