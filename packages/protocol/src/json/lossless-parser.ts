import { untag } from './tagged.ts';

/** Why a text is not JSON, or over a limit. Caught in parse.ts, never seen outside. */
export class JsonFault extends Error {
  readonly tooLarge: boolean;

  constructor(message: string, tooLarge = false) {
    super(message);
    this.tooLarge = tooLarge;
  }
}

const NUMBER = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
const PLAIN_STRING = /[^"\\\x00-\x1f]*/y;

/** Where the parser is. */
interface Cursor {
  readonly text: string;
  readonly maxIntegerDigits: number;
  at: number;
}

/**
 * A JSON parser for what JSON.parse cannot do: integers beyond 2^53 (bigint), NaN and Infinity as Python's json module writes them, kombu's tagged
 * objects, and `__proto__` as an ordinary key (of an object without prototype). Slower than JSON.parse, so parse.ts asks it only where needed.
 * The text must have passed the depth check.
 */
export function parseLossless(text: string, maxIntegerDigits: number): unknown {
  const cursor: Cursor = { text, maxIntegerDigits, at: 0 };
  const value = readValue(cursor);
  skipSpace(cursor);
  if (cursor.at < text.length) fail(cursor, 'something after the value');
  return value;
}

function fail(cursor: Cursor, what: string): never {
  throw new JsonFault(`${what} at position ${cursor.at}`);
}

function skipSpace(cursor: Cursor): void {
  for (;;) {
    const unit = cursor.text.charCodeAt(cursor.at);
    if (unit !== 0x20 && unit !== 0x0a && unit !== 0x0d && unit !== 0x09) return;
    cursor.at += 1;
  }
}

function readValue(cursor: Cursor): unknown {
  skipSpace(cursor);
  const { text, at } = cursor;
  switch (text[at]) {
    case '{':
      return readObject(cursor);
    case '[':
      return readArray(cursor);
    case '"':
      return readString(cursor);
    case 't':
      return readWord(cursor, 'true', true);
    case 'f':
      return readWord(cursor, 'false', false);
    case 'n':
      return readWord(cursor, 'null', null);
    case 'N':
      return readWord(cursor, 'NaN', Number.NaN);
    case 'I':
      return readWord(cursor, 'Infinity', Number.POSITIVE_INFINITY);
    default:
      return text.startsWith('-I', at) ? readWord(cursor, '-Infinity', Number.NEGATIVE_INFINITY) : readNumber(cursor);
  }
}

function readWord(cursor: Cursor, expected: string, value: unknown): unknown {
  if (!cursor.text.startsWith(expected, cursor.at)) fail(cursor, 'an unknown word');
  cursor.at += expected.length;
  return value;
}

function readNumber(cursor: Cursor): number | bigint {
  NUMBER.lastIndex = cursor.at;
  const match = NUMBER.exec(cursor.text);
  if (match === null) return fail(cursor, 'no value');
  const [token, fraction, exponent] = match;
  cursor.at += token.length;
  if (fraction !== undefined || exponent !== undefined || token.length < 16) return Number(token);
  if (token.length - (token[0] === '-' ? 1 : 0) > cursor.maxIntegerDigits)
    throw new JsonFault(`an integer of more than ${cursor.maxIntegerDigits} digits`, true);
  const near = Number(token);
  return Number.isSafeInteger(near) ? near : BigInt(token);
}

function readString(cursor: Cursor): string {
  const { text } = cursor;
  const from = cursor.at;
  cursor.at += 1;
  for (;;) {
    PLAIN_STRING.lastIndex = cursor.at;
    PLAIN_STRING.exec(text);
    cursor.at = PLAIN_STRING.lastIndex;
    const unit = text[cursor.at];
    if (unit === '"') break;
    if (unit !== '\\') fail(cursor, 'a control character or the end inside a string');
    cursor.at += 2;
  }
  cursor.at += 1;
  try {
    return JSON.parse(text.slice(from, cursor.at)) as string;
  } catch {
    return fail(cursor, 'an unknown escape');
  }
}

/** Whether the next token is `unit`, which is then behind the cursor. */
function took(cursor: Cursor, unit: string): boolean {
  skipSpace(cursor);
  if (cursor.text[cursor.at] !== unit) return false;
  cursor.at += 1;
  return true;
}

function readArray(cursor: Cursor): unknown[] {
  const items: unknown[] = [];
  cursor.at += 1;
  if (took(cursor, ']')) return items;
  for (;;) {
    items.push(readValue(cursor));
    if (took(cursor, ']')) return items;
    if (!took(cursor, ',')) fail(cursor, 'no comma in an array');
  }
}

function readObject(cursor: Cursor): unknown {
  let entries: Record<string, unknown> = {};
  cursor.at += 1;
  if (took(cursor, '}')) return entries;
  for (;;) {
    skipSpace(cursor);
    if (cursor.text[cursor.at] !== '"') fail(cursor, 'no key in an object');
    const key = readString(cursor);
    if (!took(cursor, ':')) fail(cursor, 'no colon after a key');
    if (key === '__proto__') entries = Object.assign(Object.create(null) as Record<string, unknown>, entries);
    entries[key] = readValue(cursor);
    if (took(cursor, '}')) return untagged(entries);
    if (!took(cursor, ',')) fail(cursor, 'no comma in an object');
  }
}

function untagged(entries: Record<string, unknown>): unknown {
  if (!Object.hasOwn(entries, '__type__') || !Object.hasOwn(entries, '__value__') || Object.keys(entries).length !== 2) return entries;
  try {
    return untag(entries.__type__, entries.__value__);
  } catch (error) {
    const what = error instanceof TypeError ? error.message : 'a __value__ that does not fit its __type__';
    throw new JsonFault(what);
  }
}
