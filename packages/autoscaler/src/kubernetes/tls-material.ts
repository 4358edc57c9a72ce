import { readFile } from 'node:fs/promises';
import type { RequestOptions } from 'node:https';
import type { Cluster, User } from '@kubernetes/client-node/dist/config_types.js';

/** What a TLS connection to the API server is made with, by the names of `tls.connect`. */
export interface TlsMaterial {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
}

/** Reads the CA and the client certificate; what a provider has given goes before what the kubeconfig names. */
export async function readTlsMaterial(cluster: Cluster, user: User, given: RequestOptions): Promise<TlsMaterial> {
  const [ca, cert, key] = await Promise.all([
    pem(cluster.caFile, cluster.caData),
    given.cert === undefined ? pem(user.certFile, user.certData) : String(given.cert),
    given.key === undefined ? pem(user.keyFile, user.keyData) : String(given.key),
  ]);
  return {
    ...(ca === null ? {} : { ca }),
    ...(cert === null ? {} : { cert }),
    ...(key === null ? {} : { key }),
    ...(cluster.tlsServerName ? { servername: cluster.tlsServerName } : {}),
    ...(cluster.skipTLSVerify ? { rejectUnauthorized: false } : {}),
  };
}

/** Whether connections made with the one are as good as with the other. */
export function sameTls(one: TlsMaterial, other: TlsMaterial): boolean {
  return (
    one.ca === other.ca &&
    one.cert === other.cert &&
    one.key === other.key &&
    one.servername === other.servername &&
    one.rejectUnauthorized === other.rejectUnauthorized
  );
}

async function pem(file: string | undefined | null, base64: string | undefined | null): Promise<string | null> {
  // as kubectl has it, what is written into the kubeconfig goes before the file
  if (base64) return Buffer.from(base64, 'base64').toString();
  return file ? readFile(file, 'utf8') : null;
}
