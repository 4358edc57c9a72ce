import { CeleriacError } from '@celeriac/protocol';
import { type Logger, silentLogger } from '../../observe/logger.ts';
import { type TlsOptions, tlsOptions } from '../../tls/tls-options.ts';
import { parseBrokerUrl, type RedisUrl } from '../../urls/broker-url.ts';
import { maskUrl } from '../../urls/mask-url.ts';

/** How to reach one Redis, read from a URL and Celery's transport options. */
export interface RedisSettings {
  readonly url: RedisUrl;
  /** For logs and errors. */
  readonly maskedUrl: string;
  readonly tls: TlsOptions | null;
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
  const tls = tlsOptions({
    secure: parsed.tls,
    query: parsed.query,
    ssl: options.ssl,
    sslDefaults: options.sslDefaults,
    verifies: role === 'broker' ? false : null,
  });
  if (tls?.verifies === false)
    logger.warn({ url: parsed.endpoint.host }, 'rediss:// without ssl_cert_reqs=required: the certificate of Redis is not verified');
  return {
    url: parsed,
    maskedUrl: maskUrl(url),
    tls,
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
