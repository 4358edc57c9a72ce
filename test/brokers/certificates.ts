// A certificate authority for one test, and what it signs: a server on this machine and a client.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** Paths of PEM files. */
export interface Certificates {
  readonly ca: string;
  readonly server: Certificate;
  readonly client: Certificate;
  [Symbol.dispose](): void;
}

/** Makes them with openssl, good for two days. */
export function makeCertificates(): Certificates {
  const dir = mkdtempSync(join(tmpdir(), 'celeriac-certificates-'));
  const openssl = (...args: readonly string[]): void => void execFileSync('openssl', [...args], { stdio: 'pipe', cwd: dir });
  const newKey = ['-newkey', 'rsa:2048', '-nodes'];
  openssl('req', '-x509', ...newKey, '-days', '2', '-keyout', 'ca.key', '-out', 'ca.crt', '-subj', '/CN=test authority');
  const signed = (name: string, extensions: string): Certificate => {
    writeFileSync(join(dir, `${name}.ext`), extensions);
    openssl('req', ...newKey, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
    const ca = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial'];
    openssl('x509', '-req', '-days', '2', '-in', `${name}.csr`, ...ca, '-extfile', `${name}.ext`, '-out', `${name}.crt`);
    return { cert: join(dir, `${name}.crt`), key: join(dir, `${name}.key`) };
  };
  return {
    ca: join(dir, 'ca.crt'),
    server: signed('server', 'subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n'),
    client: signed('client', 'extendedKeyUsage=clientAuth\n'),
    [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }),
  };
}
