import { readFileSync } from 'node:fs';
import { CeleriacError } from '@celeriac/protocol';
import { type Logger, silentLogger } from '../../observe/logger.ts';
import { parseBrokerUrl, type RedisUrl } from '../../urls/broker-url.ts';
import { maskUrl } from '../../urls/mask-url.ts';

/** TLS parameters as node:tls takes them. */
export interface TlsSettings {
  readonly rejectUnauthorized: boolean;
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
  readonly checkServerIdentity?: () => undefined;
}

/** How to reach one Redis, read from a URL and Celery's transport options. */
export interface RedisSettings {
  readonly url: RedisUrl;
  /** For logs and errors. */
  readonly maskedUrl: string;
  readonly tls: TlsSettings | null;
  /** Sentinel's name of the master. */
  readonly masterName: string;
  readonly sentinelPassword: string | null;
  readonly clientName: string | null;
  /** A connection that has not answered for so long is destroyed. Celery's `socket_timeout` (s); default 10,000. */
  readonly answerTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly logger: Logger;
}

export type RedisOptions = Readonly<Record<string, unknown>>;

/** Throws CELERIAC_E_URL and CELERIAC_E_CONFIG. */
export function redisSettings(
  url: string,
  options: RedisOptions = {},
  logger: Logger = silentLogger,
  role: 'broker' | 'backend' = 'broker',
): RedisSettings {
  const parsed = parseBrokerUrl(url);
  if (parsed.kind !== 'redis') throw new CeleriacError('CELERIAC_E_URL', `${maskUrl(url)} is not a Redis URL`);
  const sentinelKwargs = options.sentinelKwargs as { password?: unknown } | undefined;
  if (parsed.sentinels.length > 0 && typeof options.masterName !== 'string') {
    throw new CeleriacError('CELERIAC_E_CONFIG', 'a sentinel URL needs the transport option masterName');
  }
  return {
    url: parsed,
    maskedUrl: maskUrl(url),
    tls: tlsSettings(parsed, options, logger, role),
    masterName: typeof options.masterName === 'string' ? options.masterName : '',
    sentinelPassword: typeof sentinelKwargs?.password === 'string' ? sentinelKwargs.password : null,
    clientName: typeof options.clientName === 'string' ? options.clientName : null,
    answerTimeoutMs: seconds(options, 'socketTimeout', 10) * 1000,
    connectTimeoutMs: seconds(options, 'socketConnectTimeout', 5) * 1000,
    logger,
  };
}

/** A positive number of seconds from the options. */
export function seconds(options: RedisOptions, name: string, fallback: number): number {
  const value = options[name] ?? fallback;
  if (typeof value === 'number' && Number.isFinite(value) && value > 0) return value;
  throw new CeleriacError('CELERIAC_E_CONFIG', `the transport option ${name} must be a positive number of seconds, not ${String(value)}`);
}

const CERT_REQS: ReadonlyMap<string, boolean> = new Map([
  ['CERT_REQUIRED', true],
  ['required', true],
  ['CERT_OPTIONAL', true],
  ['optional', true],
  ['CERT_NONE', false],
  ['none', false],
]);

function tlsSettings(url: RedisUrl, options: RedisOptions, logger: Logger, role: 'broker' | 'backend'): TlsSettings | null {
  const ssl = (typeof options.ssl === 'object' && options.ssl !== null ? options.ssl : {}) as Readonly<Record<string, unknown>>;
  if (!url.tls && options.ssl !== true && Object.keys(ssl).length === 0) return null;
  const value = (snake: string, camel: string): string | undefined => {
    const found = url.query.get(snake) ?? ssl[camel] ?? ssl[snake];
    return found === undefined ? undefined : String(found);
  };
  const requirement = value('ssl_cert_reqs', 'sslCertReqs');
  if (requirement === undefined && role === 'backend') {
    throw new CeleriacError(
      'CELERIAC_E_URL',
      'a rediss:// result backend must say ssl_cert_reqs: required, optional or none (as Celery demands)',
    );
  }
  const verify = requirement === undefined ? false : CERT_REQS.get(requirement);
  if (verify === undefined)
    throw new CeleriacError('CELERIAC_E_URL', `ssl_cert_reqs must be required, optional or none, not '${requirement}'`);
  if (!verify)
    logger.warn({ url: url.endpoint.host }, 'rediss:// without ssl_cert_reqs=required: the certificate of Redis is not verified');
  const file = (snake: string, camel: string): Buffer | undefined => {
    const path = value(snake, camel);
    return path === undefined ? undefined : readCertificate(path, snake);
  };
  const [ca, cert, key] = [file('ssl_ca_certs', 'sslCaCerts'), file('ssl_certfile', 'sslCertfile'), file('ssl_keyfile', 'sslKeyfile')];
  const checksHost = value('ssl_check_hostname', 'sslCheckHostname')?.toLowerCase() !== 'false';
  return {
    rejectUnauthorized: verify,
    ...(ca === undefined ? undefined : { ca }),
    ...(cert === undefined ? undefined : { cert }),
    ...(key === undefined ? undefined : { key }),
    ...(checksHost ? undefined : { checkServerIdentity: () => undefined }),
  };
}

function readCertificate(path: string, parameter: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new CeleriacError('CELERIAC_E_CONFIG', `the file that ${parameter} names cannot be read: ${path}`, { cause });
  }
}
