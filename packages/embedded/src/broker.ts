import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:net';
import type { Core, ServerCounters } from './commands/command.ts';
import type { Database } from './keyspace/database.ts';
import { Keyspace } from './keyspace/keyspace.ts';
import { ScanCursors } from './keyspace/scan-cursors.ts';
import { TrackedKeys } from './keyspace/tracked-keys.ts';
import { Waiters } from './keyspace/waiters.ts';
import { WatchedKeys } from './keyspace/watched-keys.ts';
import { AppendLog } from './persistence/append-log.ts';
import { replayInto } from './persistence/replay-into.ts';
import { snapshot } from './persistence/snapshot.ts';
import { Subscriptions } from './pubsub/subscriptions.ts';
import { ScriptRunner } from './scripting/script-runner.ts';
import type { Client } from './server/client.ts';
import { type ConnectionLimits, Connections, defaultConnectionLimits } from './server/connections.ts';
import { Executor } from './server/executor.ts';
import { Invalidations } from './server/invalidations.ts';

/** Something an operator may want to know; none of them stops the broker. */
export type BrokerEvent =
  | { readonly type: 'slow-subscriber'; readonly clientId: number; readonly pendingBytes: number }
  | { readonly type: 'command-failed'; readonly command: string; readonly error: unknown }
  | { readonly type: 'log-failed'; readonly error: unknown };

export interface EmbeddedBrokerOptions {
  /** Only the loopback address: there is no password. Default '127.0.0.1'. */
  readonly host?: '127.0.0.1';
  /** TCP port; 0 = any free one. Default 0. */
  readonly port?: number;
  /** File that keeps the keys over a restart; absent = nothing is kept. */
  readonly dbFile?: string;
  /** Writes are refused with `-OOM` above this estimate of all keys, in bytes; 0 = no cap. Default 512 MiB. */
  readonly maxMemoryBytes?: number;
  /** The log is rewritten when it has doubled and is larger than this, in bytes. Default 32 MiB. */
  readonly rewriteAboveBytes?: number;
  readonly limits?: Partial<ConnectionLimits>;
  readonly onEvent?: (event: BrokerEvent) => void;
}

export interface EmbeddedBroker {
  readonly port: number;
  /** `redis://127.0.0.1:PORT/0`. */
  readonly url: string;
  /** Closes every connection and the file. */
  stop(): Promise<void>;
}

const DEFAULT_MAX_MEMORY_BYTES = 512 * 1024 * 1024;

/**
 * Starts a Redis-protocol broker in this process.
 * @throws RangeError when the host is not the loopback address; the system's error when the port or the file cannot be used.
 */
export async function createEmbeddedBroker(options: EmbeddedBrokerOptions = {}): Promise<EmbeddedBroker> {
  const host: string = options.host ?? '127.0.0.1';
  if (host !== '127.0.0.1') throw new RangeError(`the embedded broker listens on 127.0.0.1 only, not on ${host}: it has no password`);
  const emit = options.onEvent ?? (() => undefined);
  const server = createServer({ noDelay: true });
  const assembled = assemble(options, emit, server);
  server.on('connection', (socket) => assembled.connections.accept(socket));
  try {
    await listen(server, host, options.port ?? 0);
  } catch (error) {
    assembled.close();
    throw error;
  }
  const port = portOf(server);
  return { port, url: `redis://127.0.0.1:${port}/0`, stop: () => stop(server, assembled.close) };
}

function assemble(
  options: EmbeddedBrokerOptions,
  emit: (event: BrokerEvent) => void,
  server: Server,
): { connections: Connections; close: () => void } {
  const clients = new Map<number, Client>();
  const watched = new WatchedKeys();
  const tracked = new TrackedKeys();
  const waiters = new Waiters();
  const invalidations = new Invalidations(tracked, clients);
  const counters: ServerCounters = { commands: 0, connections: 0, expiredKeys: 0, evictedClients: 0, byCommand: new Map() };
  let log: AppendLog | undefined;
  const record = (database: Database, args: readonly string[]): void => log?.record(database.index, args);
  const afterCommand = (): void => {
    waiters.serve();
    invalidations.tell();
  };
  const keyspace = new Keyspace({
    changed(database, key) {
      watched.changed(database, key);
      waiters.changed(database, key);
      invalidations.changed(key, executor.writerId);
    },
    expired(database, key) {
      counters.expiredKeys += 1;
      record(database, ['DEL', key]);
    },
    settled: afterCommand,
  });
  const core: Core = {
    facts: {
      runId: randomBytes(20).toString('hex'),
      startedMs: Date.now(),
      get port() {
        return portOf(server);
      },
      maxMemoryBytes: options.maxMemoryBytes ?? DEFAULT_MAX_MEMORY_BYTES,
      dbFile: options.dbFile,
    },
    counters,
    keyspace,
    watched,
    tracked,
    waiters,
    cursors: new ScanCursors(),
    subscriptions: new Subscriptions(),
    scripts: new ScriptRunner(),
    clients,
    invoke: (call, args) => executor.invoke(call, args),
    record,
    recordTogether: (step) => (log === undefined ? step() : log.together(step)),
    logFailure: () => log?.failure,
    rewriteLog() {
      log?.requestRewrite();
      return log !== undefined;
    },
    resume: (client) => connections.resume(client),
    closeClient: (client) => connections.close(client),
    flushed: () => invalidations.changedAll(),
  };
  const executor = new Executor(core, { onUnexpected: (error, command) => emit({ type: 'command-failed', command, error }) });
  const connections = new Connections(
    core,
    executor,
    { ...defaultConnectionLimits, ...options.limits },
    {
      beforeReplies: () => log?.write(),
      afterCommand,
      onSlowSubscriber: (client) => emit({ type: 'slow-subscriber', clientId: client.id, pendingBytes: client.outputBytes }),
    },
  );
  if (options.dbFile !== undefined) log = openLog(options.dbFile, core, options.rewriteAboveBytes, emit);
  return {
    connections,
    close() {
      for (const client of [...clients.values()]) connections.close(client);
      keyspace.close();
      log?.close();
      log = undefined;
    },
  };
}

function openLog(path: string, core: Core, rewriteAboveBytes: number | undefined, emit: (event: BrokerEvent) => void): AppendLog {
  return new AppendLog({
    path,
    validBytes: replayInto(path, core),
    snapshot: () => snapshot(core.keyspace),
    onError: (error) => emit({ type: 'log-failed', error }),
    ...(rewriteAboveBytes === undefined ? {} : { rewriteAboveBytes }),
  });
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen({ host, port, backlog: 1024 }, resolve);
  await promise;
}

function portOf(server: Server): number {
  const address = server.address();
  return address !== null && typeof address === 'object' ? address.port : 0;
}

async function stop(server: Server, close: () => void): Promise<void> {
  if (!server.listening) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  server.close(() => resolve());
  close();
  await promise;
}
