import { CeleriacError } from '@celeriac/protocol';
import type { ChannelModel } from 'amqplib';
import type { Logger } from '../../observe/logger.ts';
import type { TlsOptions } from '../../tls/tls-options.ts';
import { isTlsRefusal } from '../../tls/tls-refusal.ts';
import type { AmqpUrl } from '../../urls/broker-url.ts';
import { type RawConnection, rawConnection, receiveFrames } from './wire/receive-frames.ts';

const CONNECT_TIMEOUT_MS = 5_000;
const CLOSE_TIMEOUT_MS = 3_000;
const FIRST_BACKOFF_MS = 200;
const LONGEST_BACKOFF_MS = 20_000;
/** While somebody waits for the connection. */
const LONGEST_HURRIED_BACKOFF_MS = 1_000;
const DEFAULT_HEARTBEAT_S = 30;

/** One life of a connection. */
export interface LiveConnection {
  readonly model: ChannelModel;
  readonly raw: RawConnection;
  /** What has been declared on it or is being declared, by name of the declaration. */
  readonly declared: Map<string, Promise<void>>;
  /** The names of those that are done. */
  readonly ready: Set<string>;
}

export interface LinkListener {
  onUp?(live: LiveConnection): void;
  onDown?(error: Error): void;
  /** A connection could not be made; it is tried again. */
  onProblem?(error: Error): void;
  /** The broker takes no publications for now, or again. */
  onBlocked?(reason: string | null): void;
}

/** A connection that comes back by itself, with full jitter, until it is closed. Nothing connects before the first `ready`. */
export interface AmqpLink {
  readonly live: LiveConnection | undefined;
  /** Rejects with CELERIAC_E_CONNECTION when time is up or the broker refuses the login, CELERIAC_E_CLOSED after `close`. */
  ready(timeoutMs: number): Promise<LiveConnection>;
  listen(listener: LinkListener): () => void;
  /** Somebody waits for the connection now: the next attempt comes within a second. No effect while connected or before the first `ready`. */
  hurry(): void;
  close(): Promise<void>;
}

export interface AmqpLinkOptions {
  /** Tried in turn: the URL and its failover list. */
  readonly addresses: readonly AmqpUrl[];
  /** Shown by RabbitMQ. */
  readonly connectionName: string;
  /** Longer bodies are skipped. */
  readonly maxBodyBytes: number;
  readonly logger: Logger;
  /** For addresses that are amqps. Default: as node:tls does by itself. */
  readonly tls?: TlsOptions | null | undefined;
}

export function createAmqpLink(options: AmqpLinkOptions): AmqpLink {
  const { addresses } = options;
  const listeners = new Set<LinkListener>();
  const closing = new AbortController();
  let live: LiveConnection | undefined;
  let running: Promise<void> | undefined;
  let refused: Error | undefined;
  let shorten: (() => void) | undefined;

  const tell = (call: (listener: LinkListener) => void): void => {
    for (const listener of [...listeners]) call(listener);
  };

  async function keepConnected(): Promise<void> {
    for (let attempt = 0; !closing.signal.aborted; attempt++) {
      const address = addresses[attempt % addresses.length] as AmqpUrl;
      const opened = await open(address, options).catch((error: unknown) => asError(error));
      if (opened instanceof Error) {
        refused = addresses.length === 1 && isRefusal(opened) ? opened : undefined;
        options.logger.warn({ err: opened, broker: address.endpoint.host, attempt }, 'no connection to RabbitMQ');
        tell((listener) => listener.onProblem?.(opened));
      } else {
        attempt = -1;
        refused = undefined;
        await untilEnded(opened);
      }
      const round = Math.max(0, Math.floor(attempt / addresses.length));
      await backOff(Math.random() * Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** round));
    }
  }

  async function backOff(milliseconds: number): Promise<void> {
    const hurried = new AbortController();
    shorten = () => hurried.abort();
    const startMs = performance.now();
    await pause(milliseconds, AbortSignal.any([closing.signal, hurried.signal]));
    shorten = undefined;
    const remainingMs = milliseconds - (performance.now() - startMs);
    await pause(Math.min(remainingMs, Math.random() * LONGEST_HURRIED_BACKOFF_MS), closing.signal);
  }

  /** Resolves when the connection has ended. */
  async function untilEnded(opened: ChannelModel): Promise<void> {
    if (closing.signal.aborted) return await closeModel(opened);
    const raw = rawConnection(opened.connection);
    receiveFrames(raw, options.maxBodyBytes);
    let lastError: Error = new Error('the connection was closed');
    opened.on('error', (error: Error) => {
      lastError = error;
    });
    opened.on('blocked', (reason: string) => tell((listener) => listener.onBlocked?.(reason)));
    opened.on('unblocked', () => tell((listener) => listener.onBlocked?.(null)));
    const ended = new Promise<void>((resolve) => {
      opened.on('close', (error?: Error) => {
        if (error !== undefined) lastError = error;
        resolve();
      });
    });
    live = { model: opened, raw, declared: new Map(), ready: new Set() };
    tell((listener) => listener.onUp?.(live as LiveConnection));
    await ended;
    live = undefined;
    tell((listener) => listener.onBlocked?.(null));
    const error = new CeleriacError('CELERIAC_E_CONNECTION', `the connection to RabbitMQ ended: ${lastError.message}`, {
      cause: lastError,
    });
    tell((listener) => listener.onDown?.(error));
  }

  return {
    get live() {
      return live;
    },
    async ready(timeoutMs) {
      if (closing.signal.aborted) throw closedError();
      running ??= keepConnected();
      if (live !== undefined) return live;
      if (refused !== undefined) throw connectionError(refused);
      shorten?.();
      return await new Promise<LiveConnection>((resolve, reject) => {
        const settle = (act: () => void): void => {
          clearTimeout(timer);
          listeners.delete(listener);
          closing.signal.removeEventListener('abort', onClose);
          act();
        };
        const onClose = (): void => settle(() => reject(closedError()));
        let lastProblem: Error = new Error(`no answer within ${timeoutMs} ms`);
        const timer = setTimeout(() => settle(() => reject(connectionError(lastProblem))), timeoutMs);
        const listener: LinkListener = {
          onUp: (up) => settle(() => resolve(up)),
          onProblem(error) {
            lastProblem = error;
            if (refused !== undefined) settle(() => reject(connectionError(error)));
          },
        };
        listeners.add(listener);
        closing.signal.addEventListener('abort', onClose, { once: true });
      });
    },
    listen(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    hurry: () => shorten?.(),
    async close() {
      closing.abort();
      if (live !== undefined) await closeModel(live.model);
      await running;
    },
  };
}

/** Whether the broker refuses the login or the virtual host, or a certificate is not believed: trying again will not help. */
export function isRefusal(error: Error): boolean {
  return isTlsRefusal(error) || /ACCESS.REFUSED|NOT.ALLOWED/i.test(error.message);
}

async function open(address: AmqpUrl, { connectionName, tls }: AmqpLinkOptions): Promise<ChannelModel> {
  const { connect } = await import('amqplib');
  const url = {
    protocol: address.tls ? 'amqps' : 'amqp',
    hostname: address.endpoint.host,
    port: address.endpoint.port,
    username: address.username,
    password: address.password,
    vhost: encodeURIComponent(address.virtualHost),
    heartbeat: Number(address.query.get('heartbeat') ?? DEFAULT_HEARTBEAT_S),
    frameMax: Number(address.query.get('frameMax') ?? 131_072),
  };
  const clientProperties = { connection_name: connectionName };
  const security: object = address.tls ? (tls?.current() ?? {}) : {};
  return await connect(url, { noDelay: true, keepAlive: true, timeout: CONNECT_TIMEOUT_MS, clientProperties, ...security });
}

/** Closes in good order, or by force where the broker does not answer: amqplib's own promise stays open when the socket ends first. */
async function closeModel(model: ChannelModel): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  await new Promise<void>((resolve) => {
    model.once('close', () => resolve());
    timer = setTimeout(() => {
      (model.connection as unknown as { readonly stream: { destroy(error: Error): void } }).stream.destroy(new Error('no answer to close'));
      resolve();
    }, CLOSE_TIMEOUT_MS);
    model.close().then(resolve, () => resolve());
  });
  clearTimeout(timer);
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted || milliseconds <= 0) return resolve();
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal.addEventListener('abort', end, { once: true });
  });
}

export function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

function connectionError(cause: Error): CeleriacError {
  return new CeleriacError('CELERIAC_E_CONNECTION', `RabbitMQ cannot be reached: ${cause.message}`, { cause });
}

export function closedError(): CeleriacError {
  return new CeleriacError('CELERIAC_E_CLOSED', 'the AMQP transport is closed');
}
