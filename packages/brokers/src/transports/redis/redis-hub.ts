import { CeleriacError } from '@celeriac/protocol';
import type { KeyLayout } from './key-layout.ts';
import { closedError, isErrorReply, type Redis, RedisConnection, runScript } from './redis-connection.ts';
import type { RedisScript } from './redis-script.ts';
import type { RedisSettings } from './redis-settings.ts';
import { Subscriber } from './subscriber.ts';

export type ScriptArgument = string | Buffer | number;

/** What the parts of one transport share: its connections, and the news of changed keys. */
export interface RedisHub {
  readonly settings: RedisSettings;
  readonly keys: KeyLayout;
  readonly timeoutMs: number;
  readonly commands: RedisConnection;
  readonly subscriber: Subscriber;
  /** Whether Redis tells of changed keys that have been read on the command connection. */
  readonly isTracking: boolean;
  /** Starts the tracking; `listener` gets each changed key, or null when any may have changed. Returns how to stop listening. */
  track(listener: (key: string | null) => void): () => void;
  onUp(listener: () => void): () => void;
  onDown(listener: (error: Error) => void): () => void;
  /** Makes scripts known to the server, so that calls of one turn keep their order. */
  load(scripts: readonly RedisScript[]): Promise<void>;
  /** One run of a script, with what it rejects made a CeleriacError. */
  run(script: RedisScript, keys: readonly string[], args: readonly ScriptArgument[]): Promise<unknown>;
  /** Commands in one pipeline; rejects with the first error. Not for what must not happen twice by a caller's retry. */
  pipeline(commands: readonly (readonly [string, ...ScriptArgument[]])[], transaction?: boolean): Promise<unknown[]>;
  readonly isClosed: boolean;
  close(): void;
}

export function createRedisHub(settings: RedisSettings, keys: KeyLayout, timeoutMs: number): RedisHub {
  const ups = new Set<() => void>();
  const downs = new Set<(error: Error) => void>();
  const trackers = new Set<(key: string | null) => void>();
  let isTracking = false;
  let isRefused = false;
  let isClosed = false;

  const tellTrackers = (key: string | null): void => {
    for (const listener of trackers) listener(key);
  };
  const subscriber = new Subscriber(settings, {
    onInvalidated: tellTrackers,
    onUp: () => void redirect(),
    onDown: () => {
      isTracking = false;
      tellTrackers(null);
    },
  });
  const commands = new RedisConnection(settings, 'commands', {
    onUp: () => {
      void redirect();
      for (const listener of ups) listener();
    },
    onDown: (error) => {
      isTracking = false;
      for (const listener of downs) listener(error);
    },
  });

  async function redirect(): Promise<void> {
    const client = commands.current;
    if (trackers.size === 0 || client === undefined || subscriber.clientId === undefined || subscriber.connection.current === undefined)
      return;
    try {
      await client.client('TRACKING', 'ON', 'REDIRECT', subscriber.clientId);
      isTracking = true;
    } catch (error) {
      if (!isErrorReply(error)) return;
      if (!isRefused)
        settings.logger.warn({ error: error.message }, 'Redis refuses CLIENT TRACKING: queues are polled instead, which costs more');
      isRefused = true;
    }
    tellTrackers(null);
  }

  const hub: RedisHub = {
    settings,
    keys,
    timeoutMs,
    commands,
    subscriber,
    get isTracking() {
      return isTracking;
    },
    get isClosed() {
      return isClosed;
    },
    track(listener) {
      trackers.add(listener);
      if (subscriber.connection.current === undefined) subscriber.connection.use(timeoutMs).catch(() => {});
      else if (!isTracking) void redirect();
      return () => void trackers.delete(listener);
    },
    onUp(listener) {
      ups.add(listener);
      return () => void ups.delete(listener);
    },
    onDown(listener) {
      downs.add(listener);
      return () => void downs.delete(listener);
    },
    async load(scripts) {
      // Without the permission they travel as text at first use.
      await hub.pipeline(scripts.map(({ text }) => ['script', 'LOAD', text] as const)).catch(() => {});
    },
    async run(script, scriptKeys, args) {
      try {
        return await runScript(await commands.use(timeoutMs), script, scriptKeys, args);
      } catch (error) {
        throw brokerError(error, isClosed);
      }
    },
    async pipeline(list, transaction = false) {
      try {
        return await execPipeline(await commands.use(timeoutMs), list, transaction);
      } catch (error) {
        throw brokerError(error, isClosed);
      }
    },
    close() {
      isClosed = true;
      subscriber.close();
      commands.close();
    },
  };
  return hub;
}

/** Runs commands in one write; rejects with the first error. Texts come as strings. */
export async function execPipeline(
  client: Redis,
  commands: readonly (readonly [string, ...ScriptArgument[]])[],
  transaction = false,
): Promise<unknown[]> {
  const pipeline = transaction ? client.multi() : client.pipeline();
  for (const [name, ...args] of commands) pipeline.call(name, ...args);
  const results = (await pipeline.exec()) ?? [];
  return results.map(([error, value]) => {
    if (error !== null) throw error;
    return value;
  });
}

/** What callers of the transport get to see of an error of the driver or of Redis. */
export function brokerError(error: unknown, isClosed = false): CeleriacError {
  if (error instanceof CeleriacError) return error;
  if (isClosed) return closedError();
  const cause = error instanceof Error ? error : new Error(String(error));
  if (isErrorReply(cause)) return new CeleriacError('CELERIAC_E_BROKER', `Redis refused: ${cause.message.slice(0, 200)}`, { cause });
  return new CeleriacError('CELERIAC_E_CONNECTION', `Redis did not answer: ${cause.message}`, { cause });
}
