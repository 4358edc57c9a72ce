import type { IncomingMessage } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from '@celeriac/brokers';
import { createAdmission } from './admission.ts';
import { createAgents } from './agents.ts';
import { type BodyReader, wholeJson } from './body-reader.ts';
import type { Credentials } from './credentials.ts';
import { exchange, readBody } from './exchange.ts';
import { kubeError, kubeFailure } from './failure.ts';
import type { Priority } from './rate-budget.ts';
import { answerFailure, lostFailure } from './read-failure.ts';
import { pauseAsked, retryVerdict } from './retry.ts';

/** One call of the API. */
export interface ApiRequest {
  readonly method: 'GET' | 'PUT' | 'PATCH' | 'POST' | 'DELETE';
  /** From the server's root, such as `/api/v1/namespaces/app/pods`; names in it escaped by {@link pathOf}. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Default: `application/json`, for a PATCH `application/merge-patch+json`. */
  readonly contentType?: string;
  /** For one attempt, from the connection to the end of the answer, ms. Default 10,000. Writes tell it to the server, too. */
  readonly timeoutMs?: number;
  /** For all attempts with the waiting between them and before the first, ms. Default 30,000. */
  readonly giveUpAfterMs?: number;
  /** Default 4. */
  readonly attempts?: number;
  /** Whether a write may leave; asked at the last moment of every attempt. No ends the call with reason `MayNotWrite`. */
  readonly mayWrite?: () => boolean;
  /** Default `background`. */
  readonly priority?: Priority;
  readonly signal?: AbortSignal;
  /** Takes the bytes of the answer, one for each attempt. Default: {@link wholeJson}. */
  readonly reader?: () => BodyReader;
}

/** A small REST client: what the autoscaler needs of the API, with a limit on everything. */
export interface ApiClient {
  /** The namespace of the credentials. */
  readonly namespace: string;
  /** The parsed answer. Rejects with CELERIAC_E_KUBERNETES, see `kubeFailure`, or CELERIAC_E_CONFIG for credentials that cannot be read. */
  request(request: ApiRequest): Promise<unknown>;
  /** Opens an answer without an end, once; rejects as `request` does. `timeoutMs` is for its head. */
  open(request: Pick<ApiRequest, 'path' | 'query' | 'timeoutMs'> & { readonly signal: AbortSignal }): Promise<IncomingMessage>;
  /** Requests since the start by outcome, for metrics. */
  readonly counts: Readonly<Record<'sent' | 'failed' | 'throttled', number>>;
  /** Attempts since the start by the status of their answer, `error` where there was none, for metrics. */
  readonly statuses: ReadonlyMap<string, number>;
  /** Requests that wait for the rate budget. */
  readonly waiting: number;
  /** Ends what is under way. */
  close(): void;
}

const TIMEOUT_MS = 10_000;
const GIVE_UP_AFTER_MS = 30_000;
const MOST_BYTES = 64 * 1_024 * 1_024;
const MOST_ERROR_BYTES = 1_024 * 1_024;
/** The server gives up a little before we do, so that nothing is carried out after we have looked. */
const SERVER_MARGIN_MS = 250;

/** Makes a client; nothing is sent before the first request. */
export function createApiClient(options: {
  readonly credentials: Credentials;
  readonly logger: Logger;
  /** Any clock that does not jump, ms. Default: `performance.now`. */
  readonly now?: () => number;
  /** In [0, 1). Default: Math.random. */
  readonly random?: () => number;
  /** Default 20. */
  readonly requestsPerSecond?: number;
  /** Default 30. */
  readonly burst?: number;
}): ApiClient {
  const { credentials, logger, now = () => performance.now(), random = Math.random } = options;
  const admission = createAdmission({ now, perSecond: options.requestsPerSecond ?? 20, burst: options.burst ?? 30 });
  const agents = createAgents(credentials.server.startsWith('https:'));
  const closing = new AbortController();
  const counts = { sent: 0, failed: 0, throttled: 0 };
  const statuses = new Map<string, number>();

  const begin = async (
    request: ApiRequest,
    use: Priority | 'watch',
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<{ readonly message: IncomingMessage; readonly status: number }> => {
    const { method, path, body } = request;
    const isWrite = method !== 'GET';
    const security = await credentials.authorize();
    const payload = body === undefined ? null : JSON.stringify(body);
    const url = new URL(credentials.server + path);
    for (const [name, value] of Object.entries(request.query ?? {})) if (value !== undefined) url.searchParams.set(name, String(value));
    if (isWrite) url.searchParams.set('timeout', `${Math.max(500, timeoutMs - SERVER_MARGIN_MS)}ms`);
    const contentType = request.contentType ?? (method === 'PATCH' ? 'application/merge-patch+json' : 'application/json');
    const answer = await exchange({
      url,
      method,
      headers: {
        ...security.headers,
        accept: 'application/json',
        'user-agent': 'celeriac-autoscaler',
        ...(payload === null ? {} : { 'content-type': contentType, 'content-length': String(Buffer.byteLength(payload)) }),
      },
      body: payload,
      agent: agents.for(use, security),
      mayLeave: () => {
        if (isWrite && request.mayWrite !== undefined && !request.mayWrite()) return false;
        counts.sent += 1;
        return true;
      },
      signal,
    });
    const what = `${method} ${path}`;
    if (answer.kind !== 'held-back') {
      const code = answer.kind === 'lost' ? 'error' : String(answer.status);
      statuses.set(code, (statuses.get(code) ?? 0) + 1);
    }
    if (answer.kind === 'held-back') {
      const failure = { status: null, reason: 'MayNotWrite', retryAfterMs: null, outcomeUnknown: false };
      throw kubeError(`${what}: not sent, the right to write is gone`, failure);
    }
    if (answer.kind === 'lost') throw lostFailure(what, { isWrite, sent: answer.sent, cause: answer.error, signal });
    if (answer.status >= 200 && answer.status < 300) return { message: answer.body, status: answer.status };
    const chunks: Buffer[] = [];
    await readBody(answer.body, MOST_ERROR_BYTES, (chunk) => chunks.push(chunk)).catch(() => {});
    const text = Buffer.concat(chunks).toString();
    throw answerFailure(what, { isWrite, status: answer.status, headers: answer.headers, text });
  };

  const failed = (error: unknown): unknown => {
    const failure = kubeFailure(error);
    if (failure === null) return error;
    counts.failed += 1;
    if (failure.status === 401 || failure.reason === 'Tls') credentials.forget();
    const pauseMs = pauseAsked(failure);
    if (pauseMs > 0) {
      counts.throttled += 1;
      admission.pause(pauseMs);
      logger.warn({ forMs: pauseMs, status: failure.status }, 'the Kubernetes API asks for a pause');
    }
    return error;
  };

  const attempt = async (request: ApiRequest, timeoutMs: number): Promise<unknown> => {
    const limit = limited(timeoutMs, request.signal, closing.signal);
    try {
      const { message, status } = await begin(request, request.priority ?? 'background', timeoutMs, limit.signal);
      const what = `${request.method} ${request.path}`;
      const isWrite = request.method !== 'GET';
      const reader = (request.reader ?? wholeJson)();
      try {
        await readBody(message, MOST_BYTES, reader.push);
        return reader.end();
      } catch (error) {
        if (!(error instanceof SyntaxError)) throw lostFailure(what, { isWrite, sent: true, cause: error, signal: limit.signal });
        const failure = { status, reason: 'NotJson', retryAfterMs: null, outcomeUnknown: isWrite };
        throw kubeError(`${what}: the answer is not JSON`, failure, error);
      }
    } finally {
      limit.end();
    }
  };

  return {
    namespace: credentials.namespace,
    counts,
    statuses,
    get waiting() {
      return admission.waiting;
    },
    async request(request) {
      const endMs = now() + (request.giveUpAfterMs ?? GIVE_UP_AFTER_MS);
      for (let count = 1; ; count += 1) {
        const wait = limited(Math.max(0, endMs - now()), request.signal, closing.signal);
        await admission.admit(request.priority ?? 'background', wait.signal).finally(() => wait.end());
        try {
          return await attempt(request, Math.max(1, Math.min(request.timeoutMs ?? TIMEOUT_MS, endMs - now())));
        } catch (error) {
          failed(error);
          const failure = kubeFailure(error);
          if (failure === null) throw error;
          const verdict = retryVerdict(count, failure, { attempts: request.attempts ?? 4, random: random() });
          if (verdict.kind === 'give-up' || now() + verdict.afterMs >= endMs || closing.signal.aborted) throw error;
          logger.debug({ err: error, afterMs: Math.round(verdict.afterMs) }, 'repeating a call of the Kubernetes API');
          await pause(verdict.afterMs, undefined, { signal: request.signal ?? closing.signal }).catch(() => {
            throw error;
          });
        }
      }
    },
    async open({ signal, timeoutMs = TIMEOUT_MS, ...request }) {
      const limit = limited(timeoutMs, signal, closing.signal);
      try {
        await admission.admit('background', limit.signal);
        const { message } = await begin({ ...request, method: 'GET' }, 'watch', timeoutMs, limit.signal);
        limit.keepOpen();
        message.once('close', () => limit.end());
        return message;
      } catch (error) {
        limit.end();
        throw failed(error);
      }
    },
    close() {
      closing.abort();
      agents.close();
    },
  };
}

/** A signal that comes after a time or with one of two others; `keepOpen` takes the time away, `end` all of it. */
function limited(
  timeoutMs: number,
  ...parents: readonly (AbortSignal | undefined)[]
): { readonly signal: AbortSignal; readonly keepOpen: () => void; readonly end: () => void } {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(new DOMException('timeout', 'TimeoutError')), timeoutMs);
  const abort = (): void => controller.abort();
  for (const parent of parents) {
    if (parent?.aborted === true) abort();
    parent?.addEventListener('abort', abort, { once: true });
  }
  return {
    signal: controller.signal,
    keepOpen: () => clearTimeout(timer),
    end: () => {
      clearTimeout(timer);
      for (const parent of parents) parent?.removeEventListener('abort', abort);
    },
  };
}

/** A path with its parts escaped: names come from configuration and from other people's objects. */
export function pathOf(strings: TemplateStringsArray, ...names: readonly string[]): string {
  return strings.reduce((path, text, index) => path + encodeURIComponent(names[index - 1] ?? '') + text);
}
