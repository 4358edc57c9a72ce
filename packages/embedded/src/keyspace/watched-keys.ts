import type { Database } from './database.ts';

/** A connection as WATCH sees it. */
export interface Watcher {
  /** Set when a watched key changed: the next EXEC answers nil. */
  watchBroken: boolean;
}

/** Which connections watch which keys. */
export class WatchedKeys {
  readonly #byKey = new Map<string, Set<Watcher>>();
  readonly #byWatcher = new Map<Watcher, { readonly database: Database; readonly key: string }[]>();

  watch(watcher: Watcher, database: Database, key: string): void {
    database.find(key);
    const name = nameOf(database, key);
    let watchers = this.#byKey.get(name);
    if (watchers === undefined) {
      watchers = new Set();
      this.#byKey.set(name, watchers);
    }
    if (watchers.has(watcher)) return;
    watchers.add(watcher);
    const keys = this.#byWatcher.get(watcher);
    if (keys === undefined) this.#byWatcher.set(watcher, [{ database, key }]);
    else keys.push({ database, key });
  }

  changed(database: Database, key: string): void {
    if (this.#byKey.size === 0) return;
    for (const watcher of this.#byKey.get(nameOf(database, key)) ?? []) watcher.watchBroken = true;
  }

  /** Looks at every watched key, so that one past its time counts as changed. */
  refresh(watcher: Watcher): void {
    for (const { database, key } of this.#byWatcher.get(watcher) ?? []) database.find(key);
  }

  unwatch(watcher: Watcher): void {
    for (const { database, key } of this.#byWatcher.get(watcher) ?? []) {
      const name = nameOf(database, key);
      const watchers = this.#byKey.get(name);
      watchers?.delete(watcher);
      if (watchers?.size === 0) this.#byKey.delete(name);
    }
    this.#byWatcher.delete(watcher);
    watcher.watchBroken = false;
  }
}

function nameOf(database: Database, key: string): string {
  return `${database.index}:${key}`;
}
