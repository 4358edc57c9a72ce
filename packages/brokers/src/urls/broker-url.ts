import { CeleriacError } from '@celeriac/protocol';
import { maskUrl } from './mask-url.ts';
import { splitUrl, type UrlParts } from './split-url.ts';

/** A host and a port of a server. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** `redis://`, `rediss://`, `redis+socket://`, `socket://` or a list of `sentinel://`. */
export interface RedisUrl {
  readonly kind: 'redis';
  /** Where the server is; with `sentinels` the first of them. */
  readonly endpoint: Endpoint;
  /** A Unix socket instead of the endpoint, or null. */
  readonly socketPath: string | null;
  /** Empty unless the scheme is `sentinel`. */
  readonly sentinels: readonly Endpoint[];
  readonly username: string | null;
  readonly password: string | null;
  readonly database: number;
  readonly tls: boolean;
  /** Query parameters, for example `ssl_cert_reqs`. */
  readonly query: ReadonlyMap<string, string>;
}

/** `amqp://`, `amqps://`, `pyamqp://`, `pyamqps://` and their failover list. */
export interface AmqpUrl {
  readonly kind: 'amqp';
  readonly endpoint: Endpoint;
  readonly username: string;
  readonly password: string;
  readonly virtualHost: string;
  readonly tls: boolean;
  readonly query: ReadonlyMap<string, string>;
  /** The further URLs of `amqp://a;amqp://b`, in order. */
  readonly failover: readonly AmqpUrl[];
}

/** `memory://name`. */
export interface MemoryUrl {
  readonly kind: 'memory';
  readonly name: string;
}

export type BrokerUrl = RedisUrl | AmqpUrl | MemoryUrl;

const KINDS: ReadonlyMap<string, BrokerUrl['kind']> = new Map([
  ['redis', 'redis'],
  ['rediss', 'redis'],
  ['redis+socket', 'redis'],
  ['socket', 'redis'],
  ['sentinel', 'redis'],
  ['amqp', 'amqp'],
  ['amqps', 'amqp'],
  ['pyamqp', 'amqp'],
  ['pyamqps', 'amqp'],
  ['memory', 'memory'],
]);

/**
 * Reads Celery's `broker_url` or `result_backend` as kombu does (kombu/utils/url.py): user, password, host and path are percent-decoded, the password
 * reaches from the first colon to the last @ of the authority. Throws CELERIAC_E_URL with the password masked.
 */
export function parseBrokerUrl(url: string): BrokerUrl {
  if (typeof url !== 'string' || url.trim() === '') throw new CeleriacError('CELERIAC_E_URL', 'the URL is empty');
  const texts = url.trim().split(/;(?=[a-z][a-z0-9+.-]*:\/\/)/i);
  const parts = texts.map((text) => splitUrl(text.replace(/;$/, '')));
  const first = parts[0] as UrlParts;
  const kind = KINDS.get(first.scheme);
  if (kind === undefined) {
    throw new CeleriacError('CELERIAC_E_URL', `the scheme of ${maskUrl(url)} is unknown; known are ${[...KINDS.keys()].join(', ')}`);
  }
  if (kind === 'memory') return { kind, name: `${first.host ?? ''}${first.path === '' ? '' : `/${first.path}`}` };
  if (kind === 'amqp') {
    const [main, ...failover] = parts.map((part) => amqpUrl(part));
    return { ...(main as AmqpUrl), failover };
  }
  return redisUrl(first, parts, url);
}

function redisUrl(first: UrlParts, all: readonly UrlParts[], url: string): RedisUrl {
  const isSentinel = first.scheme === 'sentinel';
  const isSocket = first.scheme === 'redis+socket' || first.scheme === 'socket';
  if (all.length > 1 && !isSentinel) {
    throw new CeleriacError('CELERIAC_E_URL', `only sentinel URLs may be listed, not ${maskUrl(url)}`);
  }
  if (isSocket && first.path === '') throw new CeleriacError('CELERIAC_E_URL', `${maskUrl(url)} names no socket file`);
  const last = all.at(-1) as UrlParts;
  const database = isSocket ? (first.query.get('virtual_host') ?? first.query.get('db') ?? '') : last.path;
  const defaultPort = isSentinel ? 26_379 : 6_379;
  const endpoints = all.map(({ host, port }) => ({ host: host ?? '127.0.0.1', port: port ?? defaultPort }));
  const withSecret = all.find(({ password }) => password !== null) ?? first;
  return {
    kind: 'redis',
    endpoint: endpoints[0] as Endpoint,
    socketPath: isSocket ? `/${first.path}` : null,
    sentinels: isSentinel ? endpoints : [],
    username: withSecret.username,
    password: withSecret.password,
    database: databaseNumber(database, url),
    tls: first.scheme === 'rediss',
    query: first.query,
  };
}

function databaseNumber(text: string, url: string): number {
  const digits = text.replace(/^\/+|\/+$/g, '');
  if (digits === '') return 0;
  if (!/^\d{1,6}$/.test(digits)) {
    throw new CeleriacError('CELERIAC_E_URL', `the database of ${maskUrl(url)} must be a number such as 0`);
  }
  return Number(digits);
}

function amqpUrl(part: UrlParts): AmqpUrl {
  if (KINDS.get(part.scheme) !== 'amqp') {
    throw new CeleriacError('CELERIAC_E_URL', `a failover list mixes amqp and ${part.scheme} URLs`);
  }
  const tls = part.scheme.endsWith('s');
  return {
    kind: 'amqp',
    endpoint: { host: part.host ?? '127.0.0.1', port: part.port ?? (tls ? 5_671 : 5_672) },
    username: part.username ?? 'guest',
    password: part.password ?? 'guest',
    virtualHost: part.path === '' ? '/' : part.path,
    tls,
    query: part.query,
    failover: [],
  };
}
