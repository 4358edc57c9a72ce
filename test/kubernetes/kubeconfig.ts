// Kubeconfig files with one cluster, one user with a token and one context. Written as JSON, which every reader of YAML takes.

import { readFileSync, writeFileSync } from 'node:fs';
import type { RestOptions } from './rest.ts';

interface Kubeconfig {
  readonly clusters: readonly [{ readonly cluster: { readonly server: string; readonly 'certificate-authority-data': string } }];
  readonly users: readonly [{ readonly user: { readonly token: string } }];
}

/** `namespace` becomes the context's. The file is readable by its owner alone. */
export function writeKubeconfig(path: string, access: RestOptions, namespace?: string): void {
  const cluster = { server: access.server, 'certificate-authority-data': Buffer.from(access.ca).toString('base64') };
  const context = { cluster: 'test', user: 'test', ...(namespace === undefined ? {} : { namespace }) };
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    clusters: [{ name: 'test', cluster }],
    users: [{ name: 'test', user: { token: access.token } }],
    contexts: [{ name: 'test', context }],
  };
  writeFileSync(path, `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600 });
}

/** Reads what `writeKubeconfig` wrote. */
export function readKubeconfig(path: string): RestOptions {
  const { clusters, users } = JSON.parse(readFileSync(path, 'utf8')) as Kubeconfig;
  const { server, 'certificate-authority-data': ca } = clusters[0].cluster;
  return { server, ca: Buffer.from(ca, 'base64').toString('utf8'), token: users[0].user.token };
}
