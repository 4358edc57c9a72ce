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

/**
 * A JSON parser for what JSON.parse cannot do: integers beyond 2^53 (bigint), NaN and Infinity as Python's json module writes them, kombu's tagged
 * objects, and `__proto__` as an ordinary key (of an object without prototype). Slower than JSON.parse, so parse.ts asks it only where needed.
 * The text must have passed the depth check.
 */
export function parseLossless(text: string, maxIntegerDigits: number): unknown {
  let at = 0;

  const fail = (what: string): never => {
    throw new JsonFault(`${what} at position ${at}`);
  };
  const skipSpace = (): void => {
    for (;;) {
      const unit = text.charCodeAt(at);
      if (unit !== 0x20 && unit !== 0x0a && unit !== 0x0d && unit !== 0x09) return;
      at += 1;
    }
  };
  const word = (expected: string, value: unknown): unknown => {
    if (!text.startsWith(expected, at)) fail('an unknown word');
    at += expected.length;
    return value;
  };
  const value = (): unknown => {
    skipSpace();
    switch (text[at]) {
      case '{':
        return object();
      case '[':
        return array();
      case '"':
        return string();
      case 't':
        return word('true', true);
      case 'f':
        return word('false', false);
      case 'n':
        return word('null', null);
      case 'N':
        return word('NaN', Number.NaN);
      case 'I':
        return word('Infinity', Number.POSITIVE_INFINITY);
      case '-':
        if (text[at + 1] === 'I') return word('-Infinity', Number.NEGATIVE_INFINITY);
        return number();
      default:
        return number();
    }
  };
  const number = (): number | bigint => {
    NUMBER.lastIndex = at;
    const match = NUMBER.exec(text);
    if (match === null) return fail('no value');
    const token = match[0];
    at += token.length;
    if (match[1] !== undefined || match[2] !== undefined || token.length < 16) return Number(token);
    if (token.length - (token[0] === '-' ? 1 : 0) > maxIntegerDigits)
      throw new JsonFault(`an integer of more than ${maxIntegerDigits} digits`, true);
    const near = Number(token);
    return Number.isSafeInteger(near) ? near : BigInt(token);
  };
  const string = (): string => {
    const from = at;
    at += 1;
    for (;;) {
      PLAIN_STRING.lastIndex = at;
      PLAIN_STRING.exec(text);
      at = PLAIN_STRING.lastIndex;
      const unit = text[at];
      if (unit === '"') break;
      if (unit !== '\\') fail('a control character or the end inside a string');
      at += 2;
    }
    at += 1;
    try {
      return JSON.parse(text.slice(from, at)) as string;
    } catch {
      return fail('an unknown escape');
    }
  };
  const array = (): unknown[] => {
    const items: unknown[] = [];
    at += 1;
    skipSpace();
    if (text[at] === ']') {
      at += 1;
      return items;
    }
    for (;;) {
      items.push(value());
      skipSpace();
      const unit = text[at];
      at += 1;
      if (unit === ']') return items;
      if (unit !== ',') fail('no comma in an array');
    }
  };
  const object = (): unknown => {
    let entries: Record<string, unknown> = {};
    at += 1;
    skipSpace();
    if (text[at] === '}') {
      at += 1;
      return entries;
    }
    for (;;) {
      skipSpace();
      if (text[at] !== '"') fail('no key in an object');
      const key = string();
      skipSpace();
      if (text[at] !== ':') fail('no colon after a key');
      at += 1;
      if (key === '__proto__') entries = Object.assign(Object.create(null) as Record<string, unknown>, entries);
      entries[key] = value();
      skipSpace();
      const unit = text[at];
      at += 1;
      if (unit === '}') return untagged(entries);
      if (unit !== ',') fail('no comma in an object');
    }
  };

  const result = value();
  skipSpace();
  if (at < text.length) fail('something after the value');
  return result;
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
