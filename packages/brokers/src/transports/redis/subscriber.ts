import { setTimeout as sleep } from 'node:timers/promises';
import { isErrorReply, type Redis, RedisConnection } from './redis-connection.ts';
import type { RedisSettings } from './redis-settings.ts';

/** Where Redis tells of changed keys (RESP2 client tracking). */
const INVALIDATIONS = '__redis__:invalidate';
const PING_EVERY_MS = 10_000;
const RETRY_MS = 20;

export type ChannelListener = (channel: string, payload: Buffer) => void;

/** The connection that listens: channels, patterns and invalidations. What is asked for stands again after a reconnection. */
export class Subscriber {
  readonly connection: RedisConnection;
  readonly #listeners = { channel: new Map<string, Set<ChannelListener>>(), pattern: new Map<string, Set<ChannelListener>>() };
  readonly #onInvalidated: (key: string | null) => void;
  readonly #ups = new Set<() => void>();
  #ping: NodeJS.Timeout | undefined;
  /** The server's number of the connection while it is up, for CLIENT TRACKING REDIRECT. */
  clientId: number | undefined;

  constructor(
    settings: RedisSettings,
    hooks: { readonly onUp?: () => void; readonly onDown?: () => void; readonly onInvalidated?: (key: string | null) => void } = {},
  ) {
    this.#onInvalidated = hooks.onInvalidated ?? (() => {});
    if (hooks.onUp !== undefined) this.#ups.add(hooks.onUp);
    this.connection = new RedisConnection(settings, 'listen', {
      prepare: (client) => this.#prepare(client, hooks.onInvalidated !== undefined),
      onUp: (client) => {
        this.#keepAlive(client);
        for (const listener of this.#ups) listener();
      },
      onDown: () => {
        this.clientId = undefined;
        clearInterval(this.#ping);
        hooks.onDown?.();
      },
    });
  }

  /** Tells of each new connection. */
  onUp(listener: () => void): void {
    this.#ups.add(listener);
  }

  /** Listens to a channel or pattern. Resolves when the server has confirmed; while the connection is down, it stands at the next one. */
  async listen(kind: 'channel' | 'pattern', name: string, listener: ChannelListener, timeoutMs: number): Promise<void> {
    const known = this.#listeners[kind].get(name);
    if (known !== undefined) known.add(listener);
    else this.#listeners[kind].set(name, new Set([listener]));
    const deadlineMs = performance.now() + timeoutMs;
    for (;;) {
      const client = await this.connection.use(Math.max(1, deadlineMs - performance.now()));
      try {
        await (kind === 'channel' ? client.subscribe(name) : client.psubscribe(name));
        return;
      } catch (error) {
        // Lost before the answer: the next connection is asked for it as well.
        if (isErrorReply(error) || performance.now() >= deadlineMs) throw error;
        await sleep(RETRY_MS);
      }
    }
  }

  async unlisten(kind: 'channel' | 'pattern', name: string, listener: ChannelListener): Promise<void> {
    const known = this.#listeners[kind].get(name);
    if (known === undefined || !known.delete(listener) || known.size > 0) return;
    this.#listeners[kind].delete(name);
    const client = this.connection.current;
    if (client === undefined) return;
    await (kind === 'channel' ? client.unsubscribe(name) : client.punsubscribe(name)).catch(() => {});
    // Someone else may have asked for it again meanwhile.
    if (this.#listeners[kind].has(name)) await (kind === 'channel' ? client.subscribe(name) : client.psubscribe(name)).catch(() => {});
  }

  close(): void {
    clearInterval(this.#ping);
    this.connection.close();
  }

  async #prepare(client: Redis, hearsInvalidations: boolean): Promise<void> {
    if (hearsInvalidations) this.clientId = Number(await client.client('ID'));
    client.on('messageBuffer', (channel: Buffer, payload: Buffer | readonly Buffer[] | null) => {
      const name = channel.toString();
      if (name === INVALIDATIONS) {
        if (!Array.isArray(payload)) this.#onInvalidated(null);
        else for (const key of payload as readonly Buffer[]) this.#onInvalidated(key.toString());
        return;
      }
      for (const listener of this.#listeners.channel.get(name) ?? []) listener(name, payload as Buffer);
    });
    client.on('pmessageBuffer', (pattern: string, channel: Buffer, payload: Buffer) => {
      for (const listener of this.#listeners.pattern.get(String(pattern)) ?? []) listener(channel.toString(), payload);
    });
    const channels = [...(hearsInvalidations ? [INVALIDATIONS] : []), ...this.#listeners.channel.keys()];
    if (channels.length > 0) await client.subscribe(...channels);
    const patterns = [...this.#listeners.pattern.keys()];
    if (patterns.length > 0) await client.psubscribe(...patterns);
  }

  /** A half-open connection shows itself by an unanswered PING. */
  #keepAlive(client: Redis): void {
    clearInterval(this.#ping);
    this.#ping = setInterval(() => void client.ping().catch(() => {}), PING_EVERY_MS);
    this.#ping.unref();
  }
}
