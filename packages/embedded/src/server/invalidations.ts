import type { TrackedKeys } from '../keyspace/tracked-keys.ts';
import type { Client } from './client.ts';
import { encodeReply } from './reply.ts';

export const INVALIDATION_CHANNEL = '__redis__:invalidate';

/** Collects whom to tell of changed keys while a command runs, and tells them when it is over. */
export class Invalidations {
  readonly #tracked: TrackedKeys;
  readonly #clients: ReadonlyMap<number, Client>;
  #pending: { readonly clientId: number; readonly key: string | null }[] = [];

  constructor(tracked: TrackedKeys, clients: ReadonlyMap<number, Client>) {
    this.#tracked = tracked;
    this.#clients = clients;
  }

  changed(key: string, writerId: number): void {
    for (const clientId of this.#tracked.take(key, writerId)) this.#pending.push({ clientId, key });
  }

  changedAll(): void {
    for (const clientId of this.#tracked.takeAll()) this.#pending.push({ clientId, key: null });
  }

  tell(): void {
    if (this.#pending.length === 0) return;
    const pending = this.#pending;
    this.#pending = [];
    for (const { clientId, key } of pending) this.#tellOne(clientId, key);
  }

  #tellOne(clientId: number, key: string | null): void {
    const mode = this.#tracked.modeOf(clientId);
    const client = this.#clients.get(clientId);
    if (mode === undefined || client === undefined) return;
    const target = mode.redirect === 0 ? client : this.#clients.get(mode.redirect);
    const keys = key === null ? null : [key];
    if (target === undefined) {
      if (client.resp === 3) client.deliver(encodeReply({ push: ['tracking-redir-broken', mode.redirect] }, 3));
    } else if (target.resp === 3) target.deliver(encodeReply({ push: ['invalidate', keys] }, 3));
    else if (target.isSubscribed) target.deliver(encodeReply(['message', INVALIDATION_CHANNEL, keys], 2));
  }
}
