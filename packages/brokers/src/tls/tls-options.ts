import { readFileSync } from 'node:fs';
import { type ConnectionOptions, createSecureContext } from 'node:tls';
import { CeleriacError } from '@celeriac/protocol';

/** How a broker is spoken to by TLS. */
export interface TlsOptions {
  /** Whether the server's certificate is checked. */
  readonly verifies: boolean;
  /** Options of node:tls for the next connection. Files are read again, so that a certificate may be renewed; one that cannot be is kept. */
  current(): ConnectionOptions;
}

/** Where the options of TLS come from. */
export interface TlsInput {
  /** Whether the scheme of the URL asks for TLS. */
  readonly secure: boolean;
  /** The query of the URL; what it says comes first. */
  readonly query: ReadonlyMap<string, string>;
  /** The transport option `ssl`: true, or an object. */
  readonly ssl: unknown;
  /** The transport option `sslDefaults`: what `ssl` and the URL do not say. It asks for no TLS by itself. */
  readonly sslDefaults: unknown;
  /** What holds where nobody says whether to verify; null refuses that. */
  readonly verifies: boolean | null;
}

type Named = 'certReqs' | 'caCerts' | 'certfile' | 'keyfile' | 'checkHostname';
type Given = Readonly<Record<string, unknown>>;

const NAMES: Readonly<Record<Named, string>> = {
  certReqs: 'ssl_cert_reqs',
  caCerts: 'ssl_ca_certs',
  certfile: 'ssl_certfile',
  keyfile: 'ssl_keyfile',
  checkHostname: 'ssl_check_hostname',
};
const REQUIREMENTS: ReadonlyMap<string, boolean> = new Map([
  ['CERT_REQUIRED', true],
  ['required', true],
  ['CERT_OPTIONAL', true],
  ['optional', true],
  ['CERT_NONE', false],
  ['none', false],
]);

/**
 * What kombu's `ssl_cert_reqs`, `ssl_ca_certs`, `ssl_certfile`, `ssl_keyfile` and `ssl_check_hostname` mean to node:tls: in the query of the URL,
 * in the option `ssl` (in camelCase, in snake_case, with or without `ssl`), or in `sslDefaults`, in this order. Other names in `ssl` are options
 * of node:tls and go to it as they are. Sources: kombu/transport/redis.py, redis/connection.py, amqp/transport.py (`broker_use_ssl`).
 * @returns null where nobody asks for TLS
 * @throws CeleriacError CELERIAC_E_CONFIG for a file that cannot be read or is none of its kind, CELERIAC_E_URL for a certificate requirement
 * that is unknown or missing
 */
export function tlsOptions({ secure, query, ssl, sslDefaults, verifies }: TlsInput): TlsOptions | null {
  const given = namesOf(ssl);
  if (!secure && ssl !== true && Object.keys(given).length === 0) return null;
  const defaults = namesOf(sslDefaults);
  const value = (name: Named): string | undefined => {
    const found = query.get(NAMES[name]) ?? given[name] ?? defaults[name];
    return found === undefined || found === null ? undefined : String(found);
  };
  const checks = verifying(value('certReqs'), verifies);
  const fixed: ConnectionOptions = {
    rejectUnauthorized: checks,
    ...(value('checkHostname')?.toLowerCase() === 'false' ? { checkServerIdentity: () => undefined } : undefined),
    ...Object.fromEntries(Object.entries(given).filter(([name]) => !Object.hasOwn(NAMES, name))),
  };
  const files = { ca: value('caCerts'), cert: value('certfile'), key: value('keyfile') };
  let material = readAll(files);
  const read = (): ConnectionOptions => ({ ...material, ...fixed });
  if ((files.cert === undefined) !== (files.key === undefined) && (read().cert === undefined || read().key === undefined)) {
    throw new CeleriacError('CELERIAC_E_CONFIG', 'a client certificate needs both ssl_certfile and ssl_keyfile');
  }
  usable(read(), files);
  return {
    verifies: checks,
    current() {
      try {
        const renewed = readAll(files);
        usable({ ...renewed, ...fixed }, files);
        material = renewed;
      } catch {
        // In the middle of being renewed: what was read before may still do.
      }
      return read();
    },
  };
}

function verifying(requirement: string | undefined, fallback: boolean | null): boolean {
  if (requirement === undefined && fallback !== null) return fallback;
  if (requirement === undefined) {
    throw new CeleriacError(
      'CELERIAC_E_URL',
      'a rediss:// result backend must say ssl_cert_reqs: required, optional or none (as Celery demands)',
    );
  }
  const verifies = REQUIREMENTS.get(requirement);
  if (verifies === undefined)
    throw new CeleriacError('CELERIAC_E_URL', `ssl_cert_reqs must be required, optional or none, not '${requirement}'`);
  return verifies;
}

/** `ssl_ca_certs`, `sslCaCerts`, `ca_certs` and `caCerts` are one name. */
function namesOf(options: unknown): Given {
  if (typeof options !== 'object' || options === null) return {};
  return Object.fromEntries(Object.entries(options).map(([name, value]) => [nameOf(name), value]));
}

function nameOf(written: string): string {
  const camel = written.replace(/^ssl_?(?=[a-zA-Z])/, '').replace(/_([a-z])/g, (_all, letter: string) => letter.toUpperCase());
  const name = `${camel.charAt(0).toLowerCase()}${camel.slice(1)}`;
  return Object.hasOwn(NAMES, name) ? name : written;
}

interface Files {
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

function readAll({ ca, cert, key }: Files): ConnectionOptions {
  return {
    ...(ca === undefined ? undefined : { ca: readCertificate(ca, NAMES.caCerts) }),
    ...(cert === undefined ? undefined : { cert: readCertificate(cert, NAMES.certfile) }),
    ...(key === undefined ? undefined : { key: readCertificate(key, NAMES.keyfile) }),
  };
}

function readCertificate(path: string, parameter: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new CeleriacError('CELERIAC_E_CONFIG', `the file that ${parameter} names cannot be read: ${path}`, { cause });
  }
}

/** What is no certificate or no key shows now, and not in an endless row of failed connections. */
function usable(options: ConnectionOptions, files: Files): void {
  try {
    createSecureContext(options);
  } catch (cause) {
    const named = Object.values(files).filter((path) => path !== undefined);
    const where = named.length === 0 ? 'the option ssl' : named.join(', ');
    throw new CeleriacError('CELERIAC_E_CONFIG', `the certificates and keys of ${where} cannot be used: ${(cause as Error).message}`, {
      cause,
    });
  }
}
