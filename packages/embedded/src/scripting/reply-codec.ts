import { formatDouble, isFailure, isList, type Reply } from '../server/reply.ts';
import type { WasmMemory } from './web-assembly.ts';

/** Tags of the engine's binary replies. */
const TAG = {
  null: 0,
  integer: 1,
  bulk: 2,
  array: 3,
  status: 4,
  error: 5,
  scriptError: 6,
  bool: 7,
  double: 8,
  map: 9,
  set: 10,
  bigNumber: 11,
  verbatim: 12,
} as const;

/** What a script ended with: a reply, or an error that aborted it at a line (0 = unknown). */
export type ScriptEnd = { readonly reply: Reply } | { readonly aborted: string; readonly line: number };

/** The engine's memory, read and written without copies in between. */
export class EngineMemory {
  readonly bytes: Buffer;
  readonly #words: DataView;

  constructor(memory: WasmMemory) {
    this.bytes = Buffer.from(memory.buffer);
    this.#words = new DataView(memory.buffer);
  }

  word(at: number): number {
    return this.#words.getUint32(at, true);
  }

  setWord(at: number, value: number): void {
    this.#words.setUint32(at, value, true);
  }

  text(at: number, length: number): string {
    return this.bytes.toString('latin1', at, at + length);
  }

  /** The words of a `redis.call`: a count, then each with its length before it. */
  readArguments(at: number): string[] {
    const count = this.word(at);
    const args = new Array<string>(count);
    let next = at + 4;
    for (let index = 0; index < count; index += 1) {
      const length = this.word(next);
      args[index] = this.text(next + 4, length);
      next += 4 + length;
    }
    return args;
  }

  readEnd(at: number, length: number): ScriptEnd {
    if (length > 0 && this.bytes[at] === TAG.scriptError) {
      return { line: this.word(at + 5), aborted: this.text(at + 9, this.word(at + 1) - 4) };
    }
    return { reply: length === 0 ? null : this.#read({ at }) };
  }

  #read(cursor: { at: number }): Reply {
    const tag = this.bytes[cursor.at];
    const size = this.word(cursor.at + 1);
    cursor.at += 5;
    if (tag === TAG.null) return null;
    if (tag === TAG.array) return this.#readMany(cursor, size);
    if (tag === TAG.set) return { set: this.#readMany(cursor, size) };
    if (tag === TAG.map) {
      const flat = this.#readMany(cursor, size * 2);
      return { map: Array.from({ length: size }, (_, index) => [flat[index * 2]!, flat[index * 2 + 1]!]) };
    }
    const at = cursor.at;
    cursor.at += size;
    if (tag === TAG.bulk) return this.text(at, size);
    if (tag === TAG.status) return { status: this.text(at, size) };
    if (tag === TAG.error) return { error: this.text(at, size) };
    return this.#readScalar(tag, at, size, cursor);
  }

  #readScalar(tag: number | undefined, at: number, size: number, cursor: { at: number }): Reply {
    if (tag === TAG.integer) {
      cursor.at = at + 8;
      const value = this.#words.getBigInt64(at, true);
      return Number.isSafeInteger(Number(value)) ? Number(value) : value;
    }
    if (tag === TAG.bool) {
      cursor.at = at + 1;
      return { bool: this.bytes[at] !== 0 };
    }
    if (tag === TAG.double) {
      cursor.at = at + 8;
      return { double: this.#words.getFloat64(at, true) };
    }
    if (tag === TAG.bigNumber) return this.text(at, size);
    const formatLength = this.word(at);
    return { verbatim: this.text(at + 4 + formatLength, size - 4 - formatLength) };
  }

  #readMany(cursor: { at: number }, count: number): Reply[] {
    const items = new Array<Reply>(count);
    for (let index = 0; index < count; index += 1) items[index] = this.#read(cursor);
    return items;
  }

  /** Writes a reply at `at`, where `sizeOfReply` bytes are free; answers the end. */
  write(reply: Reply, at: number): number {
    if (reply === null) return this.#head(TAG.null, 0, at);
    if (typeof reply === 'string') return this.#writeText(TAG.bulk, reply, at);
    if (typeof reply === 'number' || typeof reply === 'bigint') {
      const body = this.#head(TAG.integer, 8, at);
      this.#words.setBigInt64(body, BigInt(reply), true);
      return body + 8;
    }
    if (isList(reply)) return this.#writeMany(TAG.array, reply.length, reply, at);
    if ('status' in reply) return this.#writeText(TAG.status, reply.status, at);
    if (isFailure(reply)) return this.#writeText(TAG.error, reply.error, at);
    if ('map' in reply) return this.#writeMany(TAG.map, reply.map.length, reply.map.flat(), at);
    if ('set' in reply) return this.#writeMany(TAG.set, reply.set.length, reply.set, at);
    if ('double' in reply) {
      const body = this.#head(TAG.double, 8, at);
      this.#words.setFloat64(body, reply.double, true);
      return body + 8;
    }
    if ('bool' in reply) {
      const body = this.#head(TAG.bool, 1, at);
      this.bytes[body] = reply.bool ? 1 : 0;
      return body + 1;
    }
    if ('verbatim' in reply) return this.#writeText(TAG.bulk, reply.verbatim, at);
    if ('push' in reply) return this.#writeMany(TAG.array, reply.push.length, reply.push, at);
    return this.#head(TAG.null, 0, at);
  }

  #head(tag: number, size: number, at: number): number {
    this.bytes[at] = tag;
    this.setWord(at + 1, size);
    return at + 5;
  }

  #writeText(tag: number, text: string, at: number): number {
    const body = this.#head(tag, text.length, at);
    return body + this.bytes.write(text, body, 'latin1');
  }

  #writeMany(tag: number, count: number, items: readonly Reply[], at: number): number {
    let next = this.#head(tag, count, at);
    for (const item of items) next = this.write(item, next);
    return next;
  }
}

/** How many bytes `EngineMemory.write` needs for a reply. */
export function sizeOfReply(reply: Reply): number {
  if (reply === null) return 5;
  if (typeof reply === 'string') return 5 + reply.length;
  if (typeof reply !== 'object') return 13;
  if (isList(reply)) return sizeOfMany(reply);
  if ('status' in reply) return 5 + reply.status.length;
  if ('error' in reply) return 5 + reply.error.length;
  if ('verbatim' in reply) return 5 + reply.verbatim.length;
  if ('map' in reply) return sizeOfMany(reply.map.flat());
  if ('set' in reply) return sizeOfMany(reply.set);
  if ('push' in reply) return sizeOfMany(reply.push);
  return 13;
}

function sizeOfMany(items: readonly Reply[]): number {
  let size = 5;
  for (const item of items) size += sizeOfReply(item);
  return size;
}

/** Scripts of RESP2 see doubles as text, maps and sets as arrays. */
export function asResp2(reply: Reply): Reply {
  if (reply === null || typeof reply !== 'object') return reply;
  if (isList(reply)) return reply.some((item) => item !== null && typeof item === 'object') ? reply.map(asResp2) : reply;
  if ('map' in reply) return reply.map.flat().map(asResp2);
  if ('set' in reply) return reply.set;
  if ('double' in reply) return formatDouble(reply.double);
  if ('bool' in reply) return reply.bool ? 1 : null;
  return reply;
}
