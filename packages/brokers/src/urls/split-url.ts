import { CeleriacError } from '@celeriac/protocol';
import { maskUrl } from './mask-url.ts';

/** One URL taken apart; percent-decoded, null where a part is absent. `path` without its first slash. */
export interface UrlParts {
  readonly scheme: string;
  readonly username: string | null;
  readonly password: string | null;
  readonly host: string | null;
  readonly port: number | null;
  readonly path: string;
  readonly query: ReadonlyMap<string, string>;
}

/** Takes one URL apart as kombu does, also where WHATWG's parser refuses or changes it. Throws CELERIAC_E_URL. */
export function splitUrl(url: string): UrlParts {
  const match = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/is.exec(url);
  if (match === null) throw new CeleriacError('CELERIAC_E_URL', `${maskUrl(url)} is not a URL such as redis://localhost:6379/0`);
  const rest = match[2] as string;
  const authorityEnd = rest.search(/[/?#]/);
  const authority = authorityEnd === -1 ? rest : rest.slice(0, authorityEnd);
  const tail = authorityEnd === -1 ? '' : rest.slice(authorityEnd);
  const at = authority.lastIndexOf('@');
  if (at === -1 && authority.includes(':') && /^[^?]*@/.test(tail)) throw mustBeEncoded(url);
  const userinfo = at === -1 ? '' : authority.slice(0, at);
  const colon = userinfo.indexOf(':');
  const hash = tail.indexOf('#');
  const beforeHash = hash === -1 ? tail : tail.slice(0, hash);
  const question = beforeHash.indexOf('?');
  const path = question === -1 ? beforeHash : beforeHash.slice(0, question);
  return {
    scheme: (match[1] as string).toLowerCase(),
    username: text(colon === -1 ? userinfo : userinfo.slice(0, colon)),
    password: colon === -1 ? null : text(userinfo.slice(colon + 1)),
    ...hostAndPort(authority.slice(at + 1), url),
    path: percentDecoded(path.replace(/^\//, '')),
    query: new Map(new URLSearchParams(question === -1 ? '' : beforeHash.slice(question + 1))),
  };
}

function hostAndPort(text: string, url: string): { host: string | null; port: number | null } {
  const match = /^(\[[0-9a-f:.%]+\]|[^:]*)(?::(.*))?$/i.exec(text);
  if (match === null)
    throw new CeleriacError('CELERIAC_E_URL', `the host of ${maskUrl(url)} cannot be read; IPv6 addresses need [brackets]`);
  const host = percentDecoded((match[1] as string).replace(/^\[|\]$/g, ''));
  const digits = match[2] ?? '';
  const port = digits === '' ? null : Number(digits);
  if (port !== null && !(/^\d+$/.test(digits) && port >= 1 && port <= 65_535)) {
    throw new CeleriacError(
      'CELERIAC_E_URL',
      `the port of ${maskUrl(url)} is not a number from 1 to 65535; if the password has one of / ? # @ : %, percent-encode it`,
    );
  }
  return { host: host === '' ? null : host, port };
}

function mustBeEncoded(url: string): CeleriacError {
  return new CeleriacError(
    'CELERIAC_E_URL',
    `the password in ${maskUrl(url)} has one of / ? #, which must be percent-encoded (%2F %3F %23)`,
  );
}

function text(encoded: string): string | null {
  return encoded === '' ? null : percentDecoded(encoded);
}

/** As Python's unquote: what is no escape stays as it is. */
function percentDecoded(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return encoded.replace(/(%[0-9a-f]{2})+/gi, (run) => Buffer.from(run.replaceAll('%', ''), 'hex').toString('utf8'));
  }
}
