// A contender for the Lease in a process of its own. What it may do while it holds the lease: write its identity into a ConfigMap.

import { createApiClient } from '../../packages/autoscaler/src/kubernetes/api-client.ts';
import { loadCredentials } from '../../packages/autoscaler/src/kubernetes/credentials.ts';
import { leaseIdentity } from '../../packages/autoscaler/src/lease/identity.ts';
import { kubernetesLease } from '../../packages/autoscaler/src/lease/kubernetes-lease.ts';

const namespace = process.env['LEASE_NAMESPACE'] ?? 'default';
const say = (text: string): void => void process.stdout.write(`${text}\n`);
const credentials = await loadCredentials({ kubeconfig: process.env['KUBECONFIG'] });
const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const client = createApiClient({ credentials, logger: quiet, requestsPerSecond: 100, burst: 100 });
const identity = leaseIdentity();
const lease = kubernetesLease({
  client,
  namespace,
  identity,
  timings: JSON.parse(process.env['LEASE_TIMINGS'] ?? 'null') as never,
  logger: quiet,
});

let writes = 0;
async function write(): Promise<void> {
  while (lease.held()) {
    writes += 1;
    await client
      .request({
        method: 'PATCH',
        path: `/api/v1/namespaces/${namespace}/configmaps/ledger`,
        body: { data: { writer: identity, count: String(writes) } },
        mayWrite: () => {
          const may = lease.held();
          if (may) say(`leaves ${writes}`);
          return may;
        },
        attempts: 1,
        timeoutMs: 2_000,
      })
      .catch((error: unknown) => say(`refused ${error instanceof Error ? error.message : String(error)}`));
  }
}

lease.onChange((held) => {
  say(`${held ? 'held' : 'lost'} ${identity}`);
  if (held) void write();
});
process.once('SIGTERM', () => {
  void lease.close().then(() => client.close());
});
await lease.start();
say(`started ${identity}`);
