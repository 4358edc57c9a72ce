import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CeleriacError } from '@celeriac/protocol';
import type { ChosenConfig } from './kubeconfig.ts';

/** Where a kubelet mounts the service account of a pod. */
export const SERVICE_ACCOUNT_DIR = '/var/run/secrets/kubernetes.io/serviceaccount';

/** The API server as the pod we run in knows it: address by environment, CA, token and namespace by files. Throws CELERIAC_E_CONFIG. */
export async function inClusterConfig(env: Readonly<Record<string, string | undefined>>, dir: string): Promise<ChosenConfig> {
  const host = env['KUBERNETES_SERVICE_HOST'];
  const port = env['KUBERNETES_SERVICE_PORT'] || '443';
  const namespace = await readFile(join(dir, 'namespace'), 'utf8').then(
    (text) => text.trim(),
    () => null,
  );
  if (host === undefined || host === '' || namespace === null) {
    throw new CeleriacError(
      'CELERIAC_E_CONFIG',
      'no way to a Kubernetes API server: neither a kubeconfig (kubernetes.kubeconfig in pools.yaml, KUBECONFIG, ~/.kube/config) nor a service account of a pod',
    );
  }
  return {
    cluster: {
      name: 'in-cluster',
      caFile: join(dir, 'ca.crt'),
      server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
      skipTLSVerify: false,
    },
    user: { name: 'service-account', authProvider: { name: 'tokenFile', config: { tokenFile: join(dir, 'token') } } },
    namespace: namespace === '' ? null : namespace,
    context: 'in-cluster',
  };
}
