import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from '@celeriac/brokers';
import type { ApiClient } from './api-client.ts';
import { differences } from './audit.ts';
import { backoffMs } from './backoff.ts';
import { kubeFailure } from './failure.ts';
import { fieldsOf, textOf } from './fields.ts';
import { type Follower, LIST_WATCH_LIMITS, type ListWatchLimits, type ListWatchState } from './follower.ts';
import { listPages } from './list-pages.ts';
import { type WatchEventType, watchStream } from './watch-stream.ts';

/** A watch that lived so long is no sign of trouble when it breaks. */
const STEADY_MS = 10_000;
const CHECK_AT_ONCE_MS = 1_000;

/** What is kept of an object tells at least which one it is, and of which version. */
export type Kept<T> = T & { readonly uid: string; readonly resourceVersion: string };

/** What a list-watch needs. */
export interface ListWatchOptions<T> {
  readonly client: ApiClient;
  readonly path: string;
  readonly project: (object: unknown) => Kept<T> | null;
  readonly follower: Follower<Kept<T>>;
  readonly logger: Logger;
  /** Any clock that does not jump, ms. */
  readonly now: () => number;
  /** In [0, 1). */
  readonly random: () => number;
  /** Waits for a turn to list: pages of several collections at a time would be in memory together. */
  readonly listTurn: <R>(list: () => Promise<R>) => Promise<R>;
  readonly limits?: Partial<ListWatchLimits>;
}

/**
 * Keeps a copy of a collection: lists it, follows it by watches and checks it by lists. Whatever happens it goes on, with growing waits,
 * until it is closed. A watch that the server ended in good order is taken up at the version where it ended; after anything else `synced`
 * is false until a fresh list is there, so that nobody decides by what may be old.
 */
export class ListWatch<T> {
  readonly #options: ListWatchOptions<T>;
  readonly #limits: ListWatchLimits;
  readonly #objects = new Map<string, Kept<T>>();
  readonly #closing = new AbortController();
  #running: Promise<void> | undefined;
  #synced = false;
  #contactAtMs: number | null = null;
  #relists = 0;
  #restarts = 0;
  #differences = 0;
  #error: string | null = null;
  #unavailable = false;
  #touched: Set<string> | null = null;

  constructor(options: ListWatchOptions<T>) {
    this.#options = options;
    this.#limits = { ...LIST_WATCH_LIMITS, ...options.limits };
  }

  /** By uid. */
  get objects(): ReadonlyMap<string, Kept<T>> {
    return this.#objects;
  }

  get state(): ListWatchState {
    return {
      synced: this.#synced,
      contactAtMs: this.#contactAtMs,
      relists: this.#relists,
      restarts: this.#restarts,
      differences: this.#differences,
      error: this.#error,
      unavailable: this.#unavailable,
      objects: this.#objects.size,
    };
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { now, random, logger, path } = this.#options;
    let failures = 0;
    while (!this.#closing.signal.aborted) {
      let broke: unknown = null;
      let listedAtMs = Number.NaN;
      try {
        const resourceVersion = await this.#list();
        listedAtMs = now();
        broke = await this.#follow(resourceVersion);
        this.#restarts += 1;
      } catch (error) {
        broke = error;
      }
      if (this.#closing.signal.aborted) break;
      failures = now() - listedAtMs >= STEADY_MS ? 1 : failures + 1;
      this.#broken(broke);
      const { backoff, refusedMs } = this.#limits;
      // An API server that has just started refuses everybody until it knows its roles, so that a refusal is not for good at once.
      const waitMs = backoffMs(failures, this.#unavailable ? { ...backoff, mostMs: refusedMs } : backoff, random());
      logger.warn({ path, err: broke, afterMs: Math.round(waitMs), failures }, 'lost sight of a Kubernetes collection');
      await this.#wait(waitMs);
    }
  }

  #broken(error: unknown): void {
    const status = kubeFailure(error)?.status ?? null;
    this.#unavailable = status === 403 || status === 404;
    this.#error = error instanceof Error ? error.message : String(error);
    this.#turn(false);
  }

  async #list(): Promise<string> {
    const { client, path, project, follower } = this.#options;
    const { objects, resourceVersion } = await this.#options.listTurn(() =>
      listPages({ client, path, project, pageSize: this.#limits.pageSize, signal: this.#closing.signal, onContact: this.#contact }),
    );
    const fresh = new Set<string>();
    for (const object of objects) {
      fresh.add(object.uid);
      this.#put(object);
    }
    for (const [uid, object] of this.#objects) {
      if (fresh.has(uid)) continue;
      this.#objects.delete(uid);
      follower.drop(object);
    }
    this.#relists += 1;
    this.#error = null;
    this.#unavailable = false;
    this.#turn(true);
    return resourceVersion;
  }

  /** Follows until what is kept can no longer be trusted, and says why. */
  async #follow(from: string): Promise<unknown> {
    const { client, path, random, now } = this.#options;
    const [least, most] = this.#limits.watchSeconds;
    const ending = new AbortController();
    const close = (): void => ending.abort();
    this.#closing.signal.addEventListener('abort', close, { once: true });
    let found: Error | null = null;
    const checking = this.#checkFromTimeToTime(ending.signal, (error) => {
      found = error;
      ending.abort();
    });
    try {
      let resourceVersion = from;
      let hasty = 0;
      for (;;) {
        const begunAtMs = now();
        const end = await watchStream({
          client,
          path,
          resourceVersion,
          timeoutSeconds: Math.round(least + (most - least) * random()),
          byteIdleMs: this.#limits.byteIdleMs,
          signal: ending.signal,
          onContact: this.#contact,
          onEvent: this.#event,
        });
        if (end.kind === 'expired') return new Error(`watch of ${path}: the version it went on from has expired (410)`);
        if (end.kind === 'broken') return found ?? end.error;
        // a server that ends every watch at once must not be asked again in a circle
        hasty = now() - begunAtMs < CHECK_AT_ONCE_MS ? hasty + 1 : 0;
        if (hasty >= 3) return new Error(`watch of ${path}: the server ends it at once`);
        resourceVersion = end.resourceVersion;
      }
    } finally {
      this.#closing.signal.removeEventListener('abort', close);
      ending.abort();
      await checking;
    }
  }

  async #checkFromTimeToTime(signal: AbortSignal, differs: (error: Error) => void): Promise<void> {
    const { random, logger, path } = this.#options;
    while (!signal.aborted) {
      await this.#wait(this.#limits.checkEveryMs * (0.9 + random() * 0.2), signal);
      if (signal.aborted) return;
      try {
        const found = await this.#check(signal);
        if (signal.aborted || found === null) continue;
        const count = found.missing + found.surplus + found.outdated;
        this.#differences += count;
        logger.warn({ path, ...found }, 'a list says otherwise than the watch has told');
        differs(new Error(`a list of ${path} differs from what its watch has told in ${count} objects`));
      } catch (error) {
        if (!signal.aborted) logger.debug({ path, err: error }, 'a check list failed; the watch goes on');
      } finally {
        this.#touched = null;
      }
    }
  }

  /** Null when list and cache agree. */
  async #check(signal: AbortSignal): Promise<ReturnType<typeof differences> | null> {
    const { client, path, project } = this.#options;
    const touched = new Set<string>();
    this.#touched = touched;
    const { objects } = await this.#options.listTurn(() =>
      listPages({
        client,
        path,
        pageSize: this.#limits.pageSize,
        signal,
        onContact: () => {},
        project: (object) => {
          const kept = project(object);
          return kept === null ? null : ([kept.uid, kept.resourceVersion] as const);
        },
      }),
    );
    await this.#wait(this.#limits.settleMs, signal);
    const found = differences(new Map(objects), this.#objects, touched);
    return found.missing + found.surplus + found.outdated === 0 ? null : found;
  }

  readonly #contact = (): void => {
    this.#contactAtMs = this.#options.now();
  };

  readonly #event = (type: WatchEventType, object: unknown): void => {
    const uid = textOf(fieldsOf(fieldsOf(object)['metadata'])['uid']);
    if (uid === null) return;
    this.#touched?.add(uid);
    const kept = this.#options.project(object);
    if (type !== 'DELETED' && kept !== null) {
      this.#put(kept);
      return;
    }
    const before = this.#objects.get(uid);
    if (before === undefined) return;
    this.#objects.delete(uid);
    this.#options.follower.drop(kept ?? before);
  };

  #put(object: Kept<T>): void {
    const before = this.#objects.get(object.uid);
    if (before?.resourceVersion === object.resourceVersion) return;
    this.#objects.set(object.uid, object);
    this.#options.follower.put(object, before);
  }

  #turn(synced: boolean): void {
    this.#synced = synced;
    this.#options.follower.turned();
  }

  async #wait(ms: number, signal: AbortSignal = this.#closing.signal): Promise<void> {
    await pause(ms, undefined, { signal }).catch(() => {});
  }
}
