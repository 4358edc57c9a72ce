import { createHash, timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { CeleriacError } from '@celeriac/protocol';

/** Whether a request may change something, or the status and the sentence it is refused with. */
export type Access = { readonly kind: 'granted' } | { readonly kind: 'refused'; readonly status: 401 | 403; readonly text: string };

/** Says who may change something. */
export type WriteAccess = (request: IncomingMessage) => Promise<Access>;

/** Headers by which proxies tell that they stand in between. */
const PROXY_HEADERS = ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'x-envoy-external-address'] as const;

/**
 * Lets those in who are on this machine (a shell, `kubectl exec`, `kubectl port-forward`) or name the token of the file. A browser that was led
 * here by a foreign page is none of them: it would name a foreign host, or come through a proxy. The file is read again for each request, so
 * the token may be rotated; it is never logged.
 * @param tokenFile undefined for no token
 * @throws CeleriacError CELERIAC_E_CONFIG where the file cannot be read or is empty
 */
export async function createWriteAccess(tokenFile: string | undefined): Promise<WriteAccess> {
  if (tokenFile !== undefined) await readToken(tokenFile);
  return async (request) => {
    const named = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (named !== undefined && tokenFile !== undefined) {
      if (isSame(named, await readToken(tokenFile))) return { kind: 'granted' };
      return { kind: 'refused', status: 401, text: 'wrong token' };
    }
    if (isFromHere(request)) return { kind: 'granted' };
    const otherwise = tokenFile === undefined ? 'an autoscaler with --http-token-file takes them from elsewhere too' : 'or with a token';
    return {
      kind: 'refused',
      status: tokenFile === undefined ? 403 : 401,
      text: `read only: orders are taken from the machine of the autoscaler (kubectl exec, kubectl port-forward); ${otherwise}`,
    };
  };
}

function isFromHere(request: IncomingMessage): boolean {
  const peer = request.socket.remoteAddress ?? '';
  if (!isLoopback(peer.replace(/^::ffff:/, ''))) return false;
  if (PROXY_HEADERS.some((name) => request.headers[name] !== undefined)) return false;
  const host = /^(?:\[([^\]]+)\]|([^:]+))(?::\d+)?$/.exec(request.headers.host ?? '');
  const name = (host?.[1] ?? host?.[2] ?? '').toLowerCase();
  return name === 'localhost' || isLoopback(name);
}

function isLoopback(address: string): boolean {
  return address === '::1' || /^127(?:\.\d{1,3}){3}$/.test(address);
}

/** Compares in a time that tells nothing of where they differ. */
function isSame(one: string, other: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}

async function readToken(file: string): Promise<string> {
  let token: string;
  try {
    token = (await readFile(file, 'utf8')).trim();
  } catch (error) {
    throw new CeleriacError('CELERIAC_E_CONFIG', `the HTTP token cannot be read: ${(error as Error).message}`, { cause: error });
  }
  if (token.length < 16 || /\s/.test(token)) {
    throw new CeleriacError('CELERIAC_E_CONFIG', `the HTTP token in ${file} must be one word of at least 16 characters`);
  }
  return token;
}
