import { Database, type DatabaseOwner } from './database.ts';
import { ExpiryQueue } from './expiry-queue.ts';

export const DATABASE_COUNT = 16;
const LONGEST_TIMER_MS = 2 ** 31 - 1;
/** How many keys one timer tick may expire before other work gets its turn. */
const EXPIRE_BATCH = 1_000;

export interface KeyspaceListener {
  changed(database: Database, key: string): void;
  expired(database: Database, key: string): void;
  /** A tick of the expiry timer is over. */
  settled(): void;
}

/** All databases, what they cost, and the timer that expires keys nobody asks for. */
export class Keyspace implements DatabaseOwner {
  readonly databases: readonly Database[];
  readonly #listener: KeyspaceListener;
  readonly #due = new ExpiryQueue();
  #timer: NodeJS.Timeout | undefined;
  #timerAtMs = 0;
  #frozenMs = 0;
  /** Estimated size of all keys. */
  usedBytes = 0;
  /** Grows with every change; a command that leaves it as it was has written nothing. */
  changes = 0;

  constructor(listener: KeyspaceListener) {
    this.#listener = listener;
    this.databases = Array.from({ length: DATABASE_COUNT }, (_, index) => new Database(index, this));
  }

  /** Wall-clock milliseconds; stands still while a script or a transaction runs. */
  now(): number {
    return this.#frozenMs === 0 ? Date.now() : this.#frozenMs;
  }

  /** Runs `step` with the clock standing still. */
  atOneInstant<T>(step: () => T): T {
    if (this.#frozenMs !== 0) return step();
    this.#frozenMs = Date.now();
    try {
      return step();
    } finally {
      this.#frozenMs = 0;
    }
  }

  changed(database: Database, key: string): void {
    this.changes += 1;
    this.#listener.changed(database, key);
  }

  expired(database: Database, key: string): void {
    this.#listener.expired(database, key);
  }

  metered(deltaBytes: number): void {
    this.usedBytes += deltaBytes;
  }

  scheduled(database: Database, key: string, atMs: number): void {
    this.#due.add(atMs, database.index, key);
    const live = this.databases.reduce((sum, each) => sum + each.volatileCount, 0);
    if (this.#due.size > live * 2 + 4_096) this.#compact();
    if (this.#timer === undefined || atMs < this.#timerAtMs) this.#arm();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#due.clear();
  }

  #arm(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const nextMs = this.#due.nextMs;
    if (nextMs === undefined) return;
    this.#timerAtMs = nextMs;
    this.#timer = setTimeout(() => this.#tick(), Math.min(Math.max(nextMs - Date.now(), 1), LONGEST_TIMER_MS));
  }

  #tick(): void {
    const nowMs = Date.now();
    for (let taken = 0; taken < EXPIRE_BATCH; taken += 1) {
      const due = this.#due.takeDue(nowMs);
      if (due === undefined) break;
      this.databases[due.database]!.find(due.key);
    }
    this.#arm();
    this.#listener.settled();
  }

  #compact(): void {
    this.#due.clear();
    for (const database of this.databases) {
      for (const [key, entry] of database.entries) if (entry.expiresAtMs !== 0) this.#due.add(entry.expiresAtMs, database.index, key);
    }
  }
}
