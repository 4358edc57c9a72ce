import { CeleriacError } from '@celeriac/protocol';
import type { Redis, RedisOptions } from 'ioredis';
import { isTlsRefusal } from '../../tls/tls-refusal.ts';
import type { RedisScript } from './redis-script.ts';
import type { RedisSettings } from './redis-settings.ts';

export type { Redis } from 'ioredis';

type DriverOptions = Omit<RedisOptions, 'replyMapping'>;

/** What a connection reports to its owner. */
export interface ConnectionHooks {
  /** Runs on each new connection before anyone may use it. A rejection drops the connection and tries again. */
  readonly prepare?: (client: Redis) => Promise<void>;
  /** After `prepare`. */
  readonly onUp?: (client: Redis) => void;
  /** Once for each connection that was up. */
  readonly onDown?: (error: Error) => void;
}

/** Errors that say more about the server's state than about the command: a new connection may find another state, or another server. */
const STATE_ERRORS = /^(READONLY|LOADING|MASTERDOWN|UNBLOCKED|CLUSTERDOWN|NOREPLICAS|NOAUTH)\b/;

/**
 * One connection to Redis that is made at first use and made again, with growing jittered delays, whenever it is lost. A lost connection rejects all
 * that waits for an answer: nothing is ever sent twice, since only the caller knows what may be.
 */
export class RedisConnection {
  readonly #settings: RedisSettings;
  readonly #name: string;
  readonly #hooks: ConnectionHooks;
  #client: Redis | undefined;
  #attempts = 0;
  #state: 'idle' | 'connecting' | 'up' | 'closed' = 'idle';
  #timer: NodeJS.Timeout | undefined;
  #lastError: Error | undefined;
  readonly #waiting = new Set<{ readonly resolve: (client: Redis) => void; readonly reject: (error: Error) => void }>();

  constructor(settings: RedisSettings, name: string, hooks: ConnectionHooks = {}) {
    this.#settings = settings;
    this.#name = name;
    this.#hooks = hooks;
  }

  /** The driver while the connection is up. */
  get current(): Redis | undefined {
    // The driver tells of the end some turns after the socket has it.
    return this.#state === 'up' && this.#client?.status === 'ready' && this.#client.stream.writable ? this.#client : undefined;
  }

  /** Waits for the connection, making it where there is none. Rejects with CELERIAC_E_CONNECTION after `timeoutMs`, CELERIAC_E_CLOSED after close. */
  use(timeoutMs: number): Promise<Redis> {
    const { current } = this;
    if (current !== undefined) return Promise.resolve(current);
    if (this.#state === 'closed') return Promise.reject(closedError());
    if (this.#state === 'idle') this.#connect();
    return new Promise((resolve, reject) => {
      const waiter = {
        resolve: (client: Redis) => {
          clearTimeout(timer);
          resolve(client);
        },
        reject: (error: Error) => {
          clearTimeout(timer);
          reject(error);
        },
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(waiter);
        reject(this.#connectionError(`no connection within ${timeoutMs} ms`));
      }, timeoutMs);
      this.#waiting.add(waiter);
    });
  }

  /** Drops the connection; a new one is made at once. */
  reset(reason: Error): void {
    if (this.#state !== 'up') return;
    this.#lastError = reason;
    this.#client?.disconnect();
  }

  close(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    clearTimeout(this.#timer);
    for (const { reject } of this.#waiting) reject(closedError());
    this.#waiting.clear();
    this.#client?.disconnect();
    this.#client = undefined;
  }

  #connect(): void {
    this.#state = 'connecting';
    void this.#open().catch((error: unknown) => this.#failed(error as Error));
  }

  async #open(): Promise<void> {
    const { Redis: Driver } = await import('ioredis');
    if (this.#state === 'closed') return;
    const client = new Driver(this.#driverOptions());
    this.#client = client;
    let failure: Error | undefined;
    client.on('error', (error: Error) => {
      failure = error;
    });
    let wasUp = false;
    try {
      await client.connect();
      await this.#hooks.prepare?.(client);
    } catch (error) {
      client.disconnect();
      throw failure ?? error;
    }
    if ((this.#state as string) === 'closed' || client.status !== 'ready') {
      client.disconnect();
      throw failure ?? new Error('the connection ended while it was being set up');
    }
    wasUp = true;
    client.once('end', () => {
      if (!wasUp || this.#state === 'closed' || this.#client !== client) return;
      this.#client = undefined;
      this.#lastError = failure ?? this.#lastError;
      const error = this.#connectionError('the connection was lost');
      this.#settings.logger.warn({ url: this.#settings.maskedUrl, error: error.message }, 'the connection to Redis was lost');
      this.#connectLater();
      this.#hooks.onDown?.(error);
    });
    this.#attempts = 0;
    this.#state = 'up';
    this.#hooks.onUp?.(client);
    for (const { resolve } of this.#waiting) resolve(client);
    this.#waiting.clear();
  }

  #failed(error: Error): void {
    if (this.#state === 'closed') return;
    this.#lastError = error;
    if (this.#attempts % 20 === 3) {
      const fields = { url: this.#settings.maskedUrl, attempts: this.#attempts, error: error.message };
      this.#settings.logger.warn(fields, 'Redis cannot be reached; still trying');
    }
    if (isRefusal(error)) {
      for (const { reject } of this.#waiting) reject(this.#connectionError('the server refused the connection'));
      this.#waiting.clear();
    }
    this.#connectLater();
  }

  #connectLater(): void {
    this.#state = 'connecting';
    const delayMs = Math.min(2_000, 20 * 2 ** this.#attempts++) * (0.5 + Math.random());
    this.#timer = setTimeout(() => this.#connect(), delayMs);
  }

  #driverOptions(): DriverOptions {
    const { url, tls, masterName, sentinelPassword, clientName, answerTimeoutMs, connectTimeoutMs } = this.#settings;
    const secrets = {
      ...(url.username === null ? undefined : { username: url.username }),
      ...(url.password === null ? undefined : { password: url.password }),
    };
    const where: DriverOptions =
      url.sentinels.length > 0
        ? {
            sentinels: url.sentinels.map((endpoint) => ({ ...endpoint })),
            name: masterName,
            sentinelRetryStrategy: () => null,
            ...(sentinelPassword === null ? undefined : { sentinelPassword }),
            ...(tls === null ? undefined : { enableTLSForSentinelMode: true }),
          }
        : url.socketPath !== null
          ? { path: url.socketPath }
          : { ...url.endpoint };
    return {
      ...where,
      ...secrets,
      ...(tls === null ? undefined : { tls: tls.current() }),
      db: url.database,
      connectionName: clientName ?? `celeriac-${this.#name}`,
      protocol: 2,
      lazyConnect: true,
      disableClientInfo: true,
      retryStrategy: () => null,
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      autoResubscribe: false,
      noDelay: true,
      connectTimeout: connectTimeoutMs,
      socketTimeout: answerTimeoutMs,
      reconnectOnError: (error) => STATE_ERRORS.test(error.message),
    };
  }

  #connectionError(what: string): CeleriacError {
    const cause = this.#lastError;
    return new CeleriacError(
      'CELERIAC_E_CONNECTION',
      `${what} (${this.#settings.maskedUrl})${cause === undefined ? '' : `: ${cause.message}`}`,
      cause === undefined ? {} : { cause },
    );
  }
}

/** Runs a script by its digest, and by its text where the server does not know it yet. Text replies come as Buffers. */
export async function runScript(
  client: Redis,
  script: RedisScript,
  keys: readonly (string | Buffer)[],
  args: readonly (string | Buffer | number)[],
): Promise<unknown> {
  try {
    return await client.callBuffer('evalsha', script.sha1, keys.length, ...keys, ...args);
  } catch (error) {
    if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
    return await client.callBuffer('eval', script.text, keys.length, ...keys, ...args);
  }
}

/** What the driver throws for an error reply. */
export interface ErrorReply extends Error {
  readonly name: 'ReplyError';
}

/** Whether the server answered with an error, so that it is known that nothing, or only what it says, was done. */
export function isErrorReply(error: unknown): error is ErrorReply {
  return error instanceof Error && error.name === 'ReplyError';
}

export function closedError(): CeleriacError {
  return new CeleriacError('CELERIAC_E_CLOSED', 'the Redis client is closed');
}

function isRefusal(error: Error): boolean {
  return isTlsRefusal(error) || /^(WRONGPASS|NOAUTH|NOPERM|ERR invalid password|ERR DB index|ERR AUTH)/.test(error.message);
}
