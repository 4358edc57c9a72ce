import type { Database } from '../keyspace/database.ts';
import type { Keyspace } from '../keyspace/keyspace.ts';
import type { ScanCursors } from '../keyspace/scan-cursors.ts';
import type { TrackedKeys } from '../keyspace/tracked-keys.ts';
import type { Waiters } from '../keyspace/waiters.ts';
import type { WatchedKeys } from '../keyspace/watched-keys.ts';
import type { Subscriptions } from '../pubsub/subscriptions.ts';
import type { Client } from '../server/client.ts';
import type { Reply, RespVersion } from '../server/reply.ts';

/** The command has written its replies itself, or the connection now waits. */
export const NO_REPLY: unique symbol = Symbol('no reply');

export interface ServerFacts {
  readonly runId: string;
  readonly startedMs: number;
  readonly port: number;
  /** 0 = no cap. */
  readonly maxMemoryBytes: number;
  readonly dbFile: string | undefined;
}

export interface ServerCounters {
  commands: number;
  connections: number;
  expiredKeys: number;
  evictedClients: number;
  byCommand: Map<string, number>;
}

/** Scripts by their SHA-1 and what runs them. */
export interface Scripts {
  readonly isReady: boolean;
  /** Resolves when scripts can run. */
  ready(): Promise<void>;
  has(sha: string): boolean;
  /** Keeps a script for good; answers its SHA-1. @throws CommandError when it does not compile. */
  load(source: string): string;
  /** Keeps a script, `keep` or for as long as few others come; answers its SHA-1. */
  remember(source: string, keep: boolean): string;
  flush(): void;
  /** @throws CommandError NOSCRIPT, or what aborted the script. */
  run(call: Call, sha: string, keys: readonly string[], argv: readonly string[], readOnly: boolean): Reply;
}

/** Everything a command can reach. One per broker. */
export interface Core {
  readonly facts: ServerFacts;
  readonly counters: ServerCounters;
  readonly keyspace: Keyspace;
  readonly watched: WatchedKeys;
  readonly tracked: TrackedKeys;
  readonly waiters: Waiters;
  readonly cursors: ScanCursors;
  readonly subscriptions: Subscriptions;
  readonly scripts: Scripts;
  readonly clients: Map<number, Client>;
  /** Runs one command of a transaction or a script, with every check but the queueing. */
  invoke(call: Call, args: readonly string[]): Reply;
  /** Keeps a write for the log (if there is one) that the running command's own words would not repeat. */
  record(database: Database, args: readonly string[]): void;
  /** Everything `step` records is one unit in the log. */
  recordTogether<T>(step: () => T): T;
  /** Why the log cannot be written; undefined when it can, or when there is none. */
  logFailure(): string | undefined;
  /** Has the log rewritten to what the keys are when this command is over; false without a log. */
  rewriteLog(): boolean;
  /** Continues a connection that was halted. */
  resume(client: Client): void;
  closeClient(client: Client): void;
  /** Every key of every database was dropped. */
  flushed(): void;
}

/** One run of one command. */
export interface Call {
  readonly core: Core;
  readonly client: Client;
  readonly database: Database;
  readonly resp: RespVersion;
  /** A transaction and a script never wait. */
  readonly within: 'nothing' | 'exec' | 'script';
  /** Inside a script that may not write. */
  readonly readOnly?: boolean;
  /** Replayed: was accepted once, whatever the memory cap says now. */
  readonly fromLog?: boolean;
  /** What goes to the log instead of the command's own words; undefined = those. */
  effects?: (readonly string[])[];
}

export type Handler = (call: Call, args: readonly string[]) => Reply | typeof NO_REPLY;

export type CommandFlag =
  | 'write'
  | 'readonly'
  /** Refused when the memory cap is reached. */
  | 'denyoom'
  /** Not inside a script. */
  | 'noscript'
  /** Runs at once between MULTI and EXEC. */
  | 'immediate'
  /** Allowed while a RESP2 connection is subscribed. */
  | 'subscribed'
  /** Runs a script: needs the engine. */
  | 'script'
  | 'blocking'
  | 'pubsub'
  | 'admin';

export interface Command {
  readonly name: string;
  /** Words with the name; negative = at least that many. */
  readonly arity: number;
  readonly flags: readonly CommandFlag[];
  /** Places of the keys: first, last (negative from the end), step; [0,0,0] = none. */
  readonly keys: readonly [number, number, number];
  readonly handler: Handler;
}

export function command(
  name: string,
  arity: number,
  flags: readonly CommandFlag[],
  keys: readonly [number, number, number],
  handler: Handler,
): Command {
  return { name, arity, flags, keys, handler };
}

/** The keys of a request. */
export function keysOf(command: Command, args: readonly string[]): string[] {
  const [first, last, step] = command.keys;
  if (first === 0) return [];
  const end = last < 0 ? args.length + last : last;
  const keys: string[] = [];
  for (let at = first; at <= end && at < args.length; at += step) keys.push(args[at]!);
  return keys;
}
