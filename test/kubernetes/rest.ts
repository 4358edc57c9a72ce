// A small client of the Kubernetes API for tests: keeps its connections, tells a refusal by its status and reason, and follows watches.

import type { IncomingMessage } from 'node:http';
import { Agent, type RequestOptions, request } from 'node:https';
import { text } from 'node:stream/consumers';
import { StringDecoder } from 'node:string_decoder';
import type { KubeObject } from './objects.ts';

const TIMEOUT_MS = 30_000;
/** The API server closes what idles for 90 s: a write that meets that would be lost. */
const IDLE_MS = 45_000;
/** The name that `managedFields` gives to what tests write. */
const USER_AGENT = 'celeriac-test';
const PATCH_TYPES = {
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  json: 'application/json-patch+json',
} as const;

export interface RestOptions {
  readonly server: string;
  /** The certificate to trust, PEM. */
  readonly ca: string;
  readonly token: string;
}

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export interface WatchEvent<T = KubeObject> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: T;
}

/** Paths as `resourcePath` gives them. Everything rejects with `ApiRefusal` on an answer other than 2xx. */
export interface Rest {
  get<T = KubeObject>(path: string, query?: Query): Promise<T>;
  create<T = KubeObject>(path: string, body: unknown): Promise<T>;
  replace<T = KubeObject>(path: string, body: unknown): Promise<T>;
  /** A merge patch, or the kind named. */
  patch<T = KubeObject>(path: string, body: unknown, kind?: keyof typeof PATCH_TYPES): Promise<T>;
  delete<T = KubeObject>(path: string, options?: Readonly<Record<string, unknown>>): Promise<T>;
  /** Any method, as text: for `/readyz`, `/metrics` and the like. */
  raw(method: string, path: string, body?: unknown, contentType?: string): Promise<string>;
  /** Follows a watch until the server ends it, the connection breaks (both resolve) or the signal ends it. Rejects when it is refused. */
  watch<T = KubeObject>(path: string, query: Query, signal: AbortSignal, onEvent: (event: WatchEvent<T>) => void): Promise<void>;
  close(): void;
}

/** The API server said no. */
export class ApiRefusal extends Error {
  readonly status: number;
  /** Kubernetes' word for it, such as `NotFound`, `Conflict`, `Forbidden`. */
  readonly reason: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;

  constructor(title: string, status: number, body: string, headers: ApiRefusal['headers']) {
    const { reason = '', message = body } = parseStatus(body);
    super(`${title}: ${status} ${reason} ${message}`.trim());
    this.name = 'ApiRefusal';
    this.status = status;
    this.reason = reason;
    this.headers = headers;
  }
}

export function createRest(options: RestOptions): Rest {
  const agent = new Agent({ keepAlive: true, timeout: IDLE_MS, ca: options.ca });
  const url = new URL(options.server);

  const open = (method: string, path: string, extra: RequestOptions, body?: string): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const attempt = (mayRepeat: boolean): void => {
        const asked = request({ agent, host: url.hostname, port: url.port, method, path, ...extra }, resolve);
        asked.on('timeout', () => asked.destroy(new Error(`${method} ${path}: no answer for ${TIMEOUT_MS} ms`)));
        asked.on('error', (error: NodeJS.ErrnoException) => {
          // the server closed an idle connection while the request was on its way; of a write nobody knows what became of it
          if (mayRepeat && method === 'GET' && asked.reusedSocket && error.code === 'ECONNRESET') attempt(false);
          else reject(error);
        });
        asked.end(body);
      };
      attempt(true);
    });

  const raw = async (method: string, path: string, body?: unknown, contentType = 'application/json'): Promise<string> => {
    const sent = body === undefined ? '' : JSON.stringify(body);
    const headers = {
      ...{ authorization: `Bearer ${options.token}`, accept: 'application/json, */*' },
      ...{ 'user-agent': USER_AGENT, 'content-type': contentType, 'content-length': Buffer.byteLength(sent) },
    };
    const response = await open(method, path, { headers, timeout: TIMEOUT_MS }, sent);
    const answer = await text(response);
    const status = response.statusCode ?? 0;
    if (status < 200 || status > 299) throw new ApiRefusal(`${method} ${path}`, status, answer, response.headers);
    return answer;
  };
  const json = async <T>(method: string, path: string, body?: unknown, contentType?: string): Promise<T> =>
    JSON.parse(await raw(method, path, body, contentType)) as T;

  return {
    get: (path, query) => json('GET', withQuery(path, query)),
    create: (path, body) => json('POST', path, body),
    replace: (path, body) => json('PUT', path, body),
    patch: (path, body, kind = 'merge') => json('PATCH', path, body, PATCH_TYPES[kind]),
    delete: (path, deleteOptions) => json('DELETE', path, deleteOptions),
    raw,
    watch: async <T>(path: string, query: Query, signal: AbortSignal, onEvent: (event: WatchEvent<T>) => void) => {
      const target = withQuery(path, { ...query, watch: true });
      const headers = { authorization: `Bearer ${options.token}`, accept: 'application/json', 'user-agent': USER_AGENT };
      // a connection of its own: it never goes back to the others
      const response = await open('GET', target, { headers, signal, agent: new Agent({ ca: options.ca }) });
      const status = response.statusCode ?? 0;
      if (status !== 200) throw new ApiRefusal(`GET ${target}`, status, await text(response), response.headers);
      const decoder = new StringDecoder('utf8');
      const chunks = (response as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
      for (let rest = ''; ; ) {
        // cut in the middle is the same to the watcher as its end
        const next = await chunks.next().catch(() => undefined);
        if (next === undefined || next.done === true) return;
        const lines = (rest + decoder.write(next.value)).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) if (line !== '') onEvent(JSON.parse(line) as WatchEvent<T>);
      }
    },
    close: () => agent.destroy(),
  };
}

function withQuery(path: string, query: Query = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) parameters.set(name, String(value));
  return parameters.size === 0 ? path : `${path}?${parameters.toString()}`;
}

function parseStatus(body: string): { readonly reason?: string; readonly message?: string } {
  try {
    return JSON.parse(body) as { reason?: string; message?: string };
  } catch {
    return {};
  }
}
