import type { Reply } from '../server/reply.ts';
import type { Database } from './database.ts';
import type { TypeName } from './entry.ts';

/** A connection that waits in a blocking pop. */
export interface Waiter {
  readonly database: Database;
  readonly keys: readonly string[];
  /** What it can be served from. */
  readonly type: TypeName;
  /** Takes what it waits for from a key that has it; undefined when this key cannot serve it after all. */
  readonly take: (key: string) => Reply | undefined;
  /** Called once, when served. */
  readonly served: (reply: Reply) => void;
}

/** Who waits for which key, longest waiting first. */
export class Waiters {
  readonly #byKey = new Map<string, Set<Waiter>>();
  #ready = new Map<string, { readonly database: Database; readonly key: string }>();
  #count = 0;

  /** Blocked connections. */
  get count(): number {
    return this.#count;
  }

  add(waiter: Waiter): void {
    this.#count += 1;
    for (const key of waiter.keys) {
      const name = nameOf(waiter.database, key);
      const waiting = this.#byKey.get(name);
      if (waiting === undefined) this.#byKey.set(name, new Set([waiter]));
      else waiting.add(waiter);
    }
  }

  remove(waiter: Waiter): void {
    let found = false;
    for (const key of waiter.keys) {
      const name = nameOf(waiter.database, key);
      const waiting = this.#byKey.get(name);
      if (!waiting?.delete(waiter)) continue;
      found = true;
      if (waiting.size === 0) this.#byKey.delete(name);
    }
    if (found) this.#count -= 1;
  }

  changed(database: Database, key: string): void {
    if (this.#byKey.size === 0) return;
    const name = nameOf(database, key);
    if (this.#byKey.has(name) && !this.#ready.has(name)) this.#ready.set(name, { database, key });
  }

  /** Serves whom it can; called when a command, a transaction or a script is over. Keys in the order in which they became ready. */
  serve(): void {
    while (this.#ready.size > 0) {
      const ready = this.#ready;
      this.#ready = new Map();
      for (const [name, { database, key }] of ready) this.#serveKey(name, database, key);
    }
  }

  #serveKey(name: string, database: Database, key: string): void {
    for (const waiter of this.#byKey.get(name) ?? []) {
      if (database.find(key) === undefined) return;
      const reply = waiter.take(key);
      if (reply === undefined) continue;
      this.remove(waiter);
      waiter.served(reply);
    }
  }
}

function nameOf(database: Database, key: string): string {
  return `${database.index}:${key}`;
}
