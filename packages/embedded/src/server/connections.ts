import type { Socket } from 'node:net';
import type { Core } from '../commands/command.ts';
import { Client } from './client.ts';
import type { Executor } from './executor.ts';
import { ProtocolError, RequestParser } from './request-parser.ts';

export interface ConnectionLimits {
  /** Requests that may wait behind a blocking one, per connection. */
  readonly maxPipelined: number;
  /** Their size in bytes. */
  readonly maxPipelinedBytes: number;
  /** A connection that has this much unread output is not read from until it has taken some. */
  readonly pauseAboveBytes: number;
  /** A subscriber that leaves more than this unread is disconnected. */
  readonly subscriberHardBytes: number;
  /** A subscriber that leaves more than this unread for `subscriberSoftMs` is disconnected. */
  readonly subscriberSoftBytes: number;
  readonly subscriberSoftMs: number;
}

export const defaultConnectionLimits: ConnectionLimits = {
  maxPipelined: 1_000_000,
  maxPipelinedBytes: 64 * 1024 * 1024,
  pauseAboveBytes: 16 * 1024 * 1024,
  subscriberHardBytes: 32 * 1024 * 1024,
  subscriberSoftBytes: 8 * 1024 * 1024,
  subscriberSoftMs: 60_000,
};

export interface ConnectionHooks {
  /** Every command of this turn has run: whatever was recorded must be kept before the replies leave. */
  beforeReplies(): void;
  /** A command has run: wake who waits for what it wrote. */
  afterCommand(): void;
  onSlowSubscriber(client: Client): void;
}

/** Accepts connections, feeds their requests to the executor and writes their replies, one write per connection and turn. */
export class Connections {
  readonly #core: Core;
  readonly #executor: Executor;
  readonly #limits: ConnectionLimits;
  readonly #hooks: ConnectionHooks;
  readonly #unflushed = new Set<Client>();
  readonly #overSoftLimitSince = new Map<Client, number>();
  #flushPlanned = false;
  #lastId = 0;

  constructor(core: Core, executor: Executor, limits: ConnectionLimits, hooks: ConnectionHooks) {
    this.#core = core;
    this.#executor = executor;
    this.#limits = limits;
    this.#hooks = hooks;
  }

  accept(socket: Socket): void {
    socket.setNoDelay(true);
    this.#lastId += 1;
    const client = new Client(this.#lastId, socket, this.#core.keyspace.databases[0]!, (each) => this.#planFlush(each));
    this.#core.clients.set(client.id, client);
    this.#core.counters.connections += 1;
    const parser = new RequestParser();
    socket.on('data', (chunk) => this.#onData(client, parser, chunk));
    socket.on('drain', () => this.#onDrain(client));
    socket.on('error', () => this.close(client));
    socket.on('end', () => this.close(client));
    socket.on('close', () => this.close(client));
  }

  /** Continues a connection that waited. */
  resume(client: Client): void {
    if (client.nextRequest < client.requests.length) setImmediate(() => this.#runRequests(client));
  }

  close(client: Client): void {
    if (client.closed) return;
    const core = this.#core;
    this.#unflushed.delete(client);
    this.#overSoftLimitSince.delete(client);
    core.clients.delete(client.id);
    if (client.waiter) core.waiters.remove(client.waiter);
    core.subscriptions.drop(client);
    core.watched.unwatch(client);
    core.tracked.disable(client.id);
    client.requests = [];
    client.abandon();
    client.socket.destroy();
    this.#hooks.afterCommand();
    // what was given back must be in the log before anything else can happen
    this.#hooks.beforeReplies();
  }

  /** Writes what connections other than the one being read have been sent. */
  flush(): void {
    this.#flushPlanned = false;
    this.#hooks.beforeReplies();
    for (const client of this.#unflushed) this.#flushOne(client);
    this.#unflushed.clear();
  }

  #onData(client: Client, parser: RequestParser, chunk: Buffer): void {
    if (client.closed || client.closeAfterFlush) return;
    client.lastActiveMs = Date.now();
    try {
      parser.feed(chunk, (args) => {
        client.requests.push(args);
        for (const arg of args) client.requestBytes += arg.length;
      });
    } catch (error) {
      if (error instanceof ProtocolError) this.#refuse(client, error.message);
      else this.close(client);
      return;
    }
    this.#runRequests(client);
    const waiting = client.requests.length - client.nextRequest;
    if (waiting > this.#limits.maxPipelined || (waiting > 0 && client.requestBytes > this.#limits.maxPipelinedBytes)) this.close(client);
  }

  /** Answers what came before, then the error, and closes. */
  #refuse(client: Client, message: string): void {
    this.#runRequests(client);
    client.send({ error: `ERR ${message}` });
    client.closeAfterFlush = true;
    this.#flushInTurn(client);
  }

  #runRequests(client: Client): void {
    while (client.nextRequest < client.requests.length && !client.isHalted) {
      const args = client.requests[client.nextRequest]!;
      if (!this.#core.scripts.isReady && this.#executor.needsScripts(client, args)) {
        this.#park(client);
        break;
      }
      client.nextRequest += 1;
      this.#executor.run(client, args);
      this.#hooks.afterCommand();
      if (client.outputBytes > this.#limits.pauseAboveBytes) this.#flushInTurn(client);
    }
    if (client.nextRequest === client.requests.length) {
      client.requests = [];
      client.nextRequest = 0;
      client.requestBytes = 0;
    }
    this.#flushInTurn(client);
  }

  /** Waits for the script engine, then goes on with the same request. */
  #park(client: Client): void {
    client.parked = true;
    const goOn = (failure?: unknown): void => {
      client.parked = false;
      if (client.closed) return;
      if (failure !== undefined) {
        client.nextRequest += 1;
        client.send({ error: `ERR the script engine did not load: ${failure instanceof Error ? failure.message : String(failure)}` });
      }
      this.#runRequests(client);
    };
    this.#core.scripts.ready().then(() => goOn(), goOn);
  }

  #flushInTurn(client: Client): void {
    if (!this.#unflushed.delete(client)) return;
    this.#hooks.beforeReplies();
    this.#flushOne(client);
  }

  #flushOne(client: Client): void {
    client.flush();
    if (client.closed) return;
    const pending = client.socket.writableLength;
    if (client.isSubscribed) this.#checkSubscriber(client, pending);
    else if (pending > this.#limits.pauseAboveBytes) client.socket.pause();
  }

  #checkSubscriber(client: Client, pendingBytes: number): void {
    if (pendingBytes <= this.#limits.subscriberSoftBytes) {
      this.#overSoftLimitSince.delete(client);
      return;
    }
    const nowMs = Date.now();
    const sinceMs = this.#overSoftLimitSince.get(client) ?? nowMs;
    this.#overSoftLimitSince.set(client, sinceMs);
    if (pendingBytes > this.#limits.subscriberHardBytes || nowMs - sinceMs > this.#limits.subscriberSoftMs) {
      this.#core.counters.evictedClients += 1;
      this.#hooks.onSlowSubscriber(client);
      this.close(client);
    }
  }

  #onDrain(client: Client): void {
    if (client.closed) return;
    this.#overSoftLimitSince.delete(client);
    if (!client.closeAfterFlush) client.socket.resume();
  }

  /**
   * Output that a connection did not ask for in this turn waits for the end of the poll phase: by then the end of every
   * socket that has ended is known, so that what was popped for a peer that is gone is given back instead of sent.
   */
  #planFlush(client: Client): void {
    this.#unflushed.add(client);
    if (this.#flushPlanned) return;
    this.#flushPlanned = true;
    setImmediate(() => this.flush());
  }
}
