import { type Entry, typeOf } from '../keyspace/entry.ts';
import type { Keyspace } from '../keyspace/keyspace.ts';
import { formatDouble } from '../server/reply.ts';
import type { Deque } from '../types/deque.ts';
import type { Hash } from '../types/hash.ts';
import type { MemberSet } from '../types/member-set.ts';
import type { SortedSet } from '../types/sorted-set.ts';

const WORDS_PER_COMMAND = 128;

/** The commands that make every key as it is now. */
export function* snapshot(keyspace: Keyspace): Generator<readonly [database: number, args: readonly string[]]> {
  for (const database of keyspace.databases) {
    for (const [key, entry] of database.entries) {
      for (const args of commandsFor(key, entry)) yield [database.index, args];
      if (entry.expiresAtMs !== 0) yield [database.index, ['PEXPIREAT', key, String(entry.expiresAtMs)]];
    }
  }
}

function* commandsFor(key: string, { value }: Entry): Generator<readonly string[]> {
  if (typeof value === 'string') {
    yield ['SET', key, value];
    return;
  }
  const [command, words] = wordsOf(value);
  let part: string[] = [];
  for (const word of words) {
    part.push(word);
    if (part.length === WORDS_PER_COMMAND) {
      yield [command, key, ...part];
      part = [];
    }
  }
  if (part.length > 0) yield [command, key, ...part];
}

function wordsOf(value: Deque | Hash | MemberSet | SortedSet): [string, Iterable<string>] {
  switch (typeOf(value)) {
    case 'list':
      return ['RPUSH', (value as Deque).slice(0, value.size)];
    case 'hash':
      return ['HSET', pairs((value as Hash).fields)];
    case 'zset':
      return ['ZADD', scored((value as SortedSet).members)];
    default:
      return ['SADD', (value as MemberSet).members];
  }
}

function* pairs(fields: ReadonlyMap<string, string>): Generator<string> {
  for (const [field, value] of fields) {
    yield field;
    yield value;
  }
}

function* scored(members: ReadonlyMap<string, number>): Generator<string> {
  for (const [member, score] of members) {
    yield formatDouble(score);
    yield member;
  }
}
