import { Deque } from '../types/deque.ts';
import { Hash } from '../types/hash.ts';
import { MemberSet } from '../types/member-set.ts';
import { SortedSet } from '../types/sorted-set.ts';
import { costOf, type Entry, type StoredTypes, type StoredValue, type TypeName, typeOf, wrongType } from './entry.ts';

/** What a database tells the keyspace it belongs to. */
export interface DatabaseOwner {
  now(): number;
  /** A key was written, deleted or has expired. */
  changed(database: Database, key: string): void;
  /** A key was found past its time and is gone. */
  expired(database: Database, key: string): void;
  scheduled(database: Database, key: string, atMs: number): void;
  /** The cost of all keys moved by this many bytes. */
  metered(deltaBytes: number): void;
}

const emptyValue: { readonly [T in Exclude<TypeName, 'string'>]: () => StoredTypes[T] } = {
  list: () => new Deque(),
  hash: () => new Hash(),
  set: () => new MemberSet(),
  zset: () => new SortedSet(),
};

/** One of the sixteen databases. A key past its time is never seen: any look at it deletes it first. */
export class Database {
  readonly index: number;
  readonly #owner: DatabaseOwner;
  #entries = new Map<string, Entry>();
  /** Keys that have a time to live. */
  volatileCount = 0;

  constructor(index: number, owner: DatabaseOwner) {
    this.index = index;
    this.#owner = owner;
  }

  /** Number of keys, those past their time but not yet collected included. */
  get size(): number {
    return this.#entries.size;
  }

  get entries(): ReadonlyMap<string, Entry> {
    return this.#entries;
  }

  find(key: string): Entry | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (entry.expiresAtMs !== 0 && entry.expiresAtMs <= this.#owner.now()) {
      this.#drop(key, entry);
      this.#owner.expired(this, key);
      this.#owner.changed(this, key);
      return undefined;
    }
    return entry;
  }

  /** The value of a key if it has the type. @throws CommandError WRONGTYPE when it has another. */
  get<T extends TypeName>(key: string, type: T): StoredTypes[T] | undefined {
    const entry = this.find(key);
    if (entry === undefined) return undefined;
    if (typeOf(entry.value) !== type) throw wrongType();
    return entry.value as StoredTypes[T];
  }

  /** The collection under a key, made when absent. The caller adds to it and then calls `touch`. */
  getOrCreate<T extends Exclude<TypeName, 'string'>>(key: string, type: T): StoredTypes[T] {
    const found = this.get(key, type);
    if (found !== undefined) return found;
    const value: StoredTypes[T] = emptyValue[type]();
    this.#entries.set(key, { value, expiresAtMs: 0, meteredBytes: 0 });
    return value;
  }

  /** Replaces a key's value; `expiresAtMs` 0 = no time to live. */
  set(key: string, value: StoredValue, expiresAtMs: number | 'keep' = 0): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) this.#entries.set(key, { value, expiresAtMs: 0, meteredBytes: 0 });
    else entry.value = value;
    if (expiresAtMs !== 'keep') this.#setExpiry(key, this.#entries.get(key)!, expiresAtMs);
    this.touch(key);
  }

  /** Gives an existing key another time; 0 = never. */
  expireAt(key: string, atMs: number): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#setExpiry(key, entry, atMs);
    this.#owner.changed(this, key);
  }

  /** Says that a key's value was changed in place: meters it, deletes it when empty, tells watchers and trackers. */
  touch(key: string): void {
    const entry = this.#entries.get(key);
    if (entry !== undefined) {
      if (typeof entry.value !== 'string' && entry.value.size === 0) this.#drop(key, entry);
      else {
        const cost = costOf(key, entry.value);
        this.#owner.metered(cost - entry.meteredBytes);
        entry.meteredBytes = cost;
      }
    }
    this.#owner.changed(this, key);
  }

  delete(key: string): boolean {
    if (this.find(key) === undefined) return false;
    this.#drop(key, this.#entries.get(key)!);
    this.#owner.changed(this, key);
    return true;
  }

  /** Forgets every key without telling of each; answers what there was. */
  clear(): string[] {
    const keys = [...this.#entries.keys()];
    let bytes = 0;
    for (const entry of this.#entries.values()) bytes += entry.meteredBytes;
    this.#owner.metered(-bytes);
    this.#entries = new Map();
    this.volatileCount = 0;
    return keys;
  }

  #setExpiry(key: string, entry: Entry, atMs: number): void {
    this.volatileCount += (atMs === 0 ? 0 : 1) - (entry.expiresAtMs === 0 ? 0 : 1);
    entry.expiresAtMs = atMs;
    if (atMs !== 0) this.#owner.scheduled(this, key, atMs);
  }

  #drop(key: string, entry: Entry): void {
    this.#entries.delete(key);
    if (entry.expiresAtMs !== 0) this.volatileCount -= 1;
    this.#owner.metered(-entry.meteredBytes);
  }
}
