import { CeleriacError } from '@celeriac/protocol';

/** An AMQP broker URL, read as Celery reads it (kombu/utils/url.py). */
export interface AmqpAddress {
  readonly tls: boolean;
  readonly hostname: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  readonly virtualHost: string;
  /** `heartbeat` and `frameMax`, where the query has them. */
  readonly query: Readonly<Record<string, string>>;
}

const SCHEMES: Readonly<Record<string, boolean>> = { amqp: false, pyamqp: false, librabbitmq: false, amqps: true };

/**
 * Defaults: guest, guest, 127.0.0.1, 5672 (5671 with TLS), virtual host `/`. One leading slash of the path is taken off before it is decoded, so
 * `//x` is the virtual host `/x`. Throws CELERIAC_E_URL without repeating the URL.
 */
export function parseAmqpAddress(url: string): AmqpAddress {
  const parts = /^([a-z]+):\/\/(?:([^@/]*)@)?(\[[^\]]*\]|[^:/?]*)(?::(\d*))?(\/[^?]*)?(?:\?(.*))?$/i.exec(url);
  const tls = SCHEMES[parts?.[1]?.toLowerCase() ?? ''];
  if (parts === null || tls === undefined) {
    throw new CeleriacError('CELERIAC_E_URL', 'the broker URL is not amqp://user:password@host:port/virtualhost');
  }
  const [, , credentials = '', host = '', port = '', path = '', query = ''] = parts;
  const colon = credentials.indexOf(':');
  const name = colon === -1 ? credentials : credentials.slice(0, colon);
  const hostname = decodeURIComponent(host.replace(/^\[|\]$/g, ''));
  return {
    tls,
    hostname: hostname === '' || hostname === 'localhost' ? '127.0.0.1' : hostname,
    port: port === '' ? (tls ? 5671 : 5672) : Number(port),
    username: name === '' ? 'guest' : decodeURIComponent(name),
    password: colon === -1 ? 'guest' : decodeURIComponent(credentials.slice(colon + 1)),
    virtualHost: decodeURIComponent(path.slice(1)) || '/',
    query: Object.fromEntries(new URLSearchParams(query)),
  };
}
