import type { Socket } from 'node:net';
import type { Database } from '../keyspace/database.ts';
import type { Waiter } from '../keyspace/waiters.ts';
import type { Watcher } from '../keyspace/watched-keys.ts';
import type { Subscriber } from '../pubsub/subscriptions.ts';
import { encodeReply, type Reply, type RespVersion } from './reply.ts';

/** Commands between MULTI and EXEC. */
export interface Transaction {
  readonly queue: string[][];
  bytes: number;
  /** A command could not be queued: EXEC will refuse. */
  failed: boolean;
}

/** How long a peer may take to read its last reply. */
const LINGER_MS = 5_000;

/** One connection: what it has said about itself, what it waits for and what is still to be written to it. */
export class Client implements Subscriber, Watcher {
  readonly id: number;
  readonly socket: Socket;
  readonly createdMs: number;
  readonly channels: Set<string> = new Set();
  readonly patterns: Set<string> = new Set();
  readonly #wantsFlush: (client: Client) => void;
  database: Database;
  resp: RespVersion = 2;
  name = '';
  libraryName = '';
  libraryVersion = '';
  lastCommand = 'NULL';
  lastActiveMs: number;
  watchBroken = false;
  transaction: Transaction | undefined;
  /** Set while a blocking pop waits; the timer ends it. */
  waiter: Waiter | undefined;
  waiterTimer: NodeJS.Timeout | undefined;
  /** Ends the wait with this reply, or with what the command answers at its timeout. */
  unblock: ((reply: Reply | undefined) => void) | undefined;
  /** Set while a command waits for the script engine to load. */
  parked = false;
  /** `CLIENT CACHING`, for the next command only. */
  cachingNext: boolean | undefined;
  /** `CLIENT REPLY`: off, or skip the next reply. */
  replyMode: 'on' | 'off' | 'skip' = 'on';
  /** Requests read but not yet run. */
  requests: string[][] = [];
  nextRequest = 0;
  requestBytes = 0;
  closeAfterFlush = false;
  closed = false;
  /** Undo steps of pops that are handed to this connection but not yet written to its socket. */
  handed: (() => void)[] = [];
  #out = '';

  constructor(id: number, socket: Socket, database: Database, wantsFlush: (client: Client) => void) {
    this.id = id;
    this.socket = socket;
    this.database = database;
    this.createdMs = Date.now();
    this.lastActiveMs = this.createdMs;
    this.#wantsFlush = wantsFlush;
  }

  get isSubscribed(): boolean {
    return this.channels.size > 0 || this.patterns.size > 0;
  }

  /** Cannot run its next request now. */
  get isHalted(): boolean {
    return this.waiter !== undefined || this.parked || this.closed || this.closeAfterFlush;
  }

  /** Bytes that are neither written nor taken by the kernel. */
  get outputBytes(): number {
    return this.#out.length + this.socket.writableLength;
  }

  send(reply: Reply): void {
    this.deliver(encodeReply(reply, this.resp));
  }

  deliver(bytes: string): void {
    if (this.closed) return;
    this.#out += bytes;
    this.#wantsFlush(this);
  }

  /** Writes everything in one piece. */
  flush(): void {
    if (this.closed) return;
    this.handed = [];
    if (this.#out !== '') {
      const bytes = this.#out;
      this.#out = '';
      this.socket.write(bytes, 'latin1');
    }
    if (this.closeAfterFlush) {
      this.socket.end();
      this.socket.setTimeout(LINGER_MS, () => this.socket.destroy());
    }
  }

  /** Forgets what was not written and gives back what was handed over, last first. */
  abandon(): void {
    this.closed = true;
    this.#out = '';
    clearTimeout(this.waiterTimer);
    for (const undo of this.handed.reverse()) undo();
    this.handed = [];
  }
}
