import { CommandError } from '../server/reply.ts';
import { Deque } from '../types/deque.ts';
import { Hash } from '../types/hash.ts';
import type { MemberSet } from '../types/member-set.ts';
import { SortedSet } from '../types/sorted-set.ts';

/** A value under a key; strings hold one byte per character. */
export type StoredValue = string | Deque | Hash | MemberSet | SortedSet;

/** The types a key can have, each with its class. */
export interface StoredTypes {
  string: string;
  list: Deque;
  hash: Hash;
  set: MemberSet;
  zset: SortedSet;
}
export type TypeName = keyof StoredTypes;

export interface Entry {
  value: StoredValue;
  /** Milliseconds since the epoch; 0 = never. */
  expiresAtMs: number;
  /** What the meter holds for this key, in bytes. */
  meteredBytes: number;
}

export function typeOf(value: StoredValue): TypeName {
  if (typeof value === 'string') return 'string';
  if (value instanceof Deque) return 'list';
  if (value instanceof Hash) return 'hash';
  if (value instanceof SortedSet) return 'zset';
  return 'set';
}

export function wrongType(): CommandError {
  return new CommandError('WRONGTYPE Operation against a key holding the wrong kind of value');
}

const perKeyBytes = 96;
const perElementBytes: Record<Exclude<TypeName, 'string'>, number> = { list: 16, hash: 64, set: 48, zset: 160 };

/** What a key costs, in bytes: its payload and an estimate of what surrounds it. */
export function costOf(key: string, value: StoredValue): number {
  if (typeof value === 'string') return perKeyBytes + key.length + value.length;
  const type = typeOf(value) as Exclude<TypeName, 'string'>;
  return perKeyBytes + key.length + value.bytes + value.size * perElementBytes[type];
}
