import { CeleriacError } from '../errors/celeriac-error.ts';
import { base64Text, utf8Text } from './bytes.ts';
import { isPythonValue, type PythonValue } from './python-types.ts';

/** Values deeper than this are taken for cycles; readers allow 512 levels, of which the envelope takes a few. */
const MAX_DEPTH = 500;
/** CPython refuses to read longer integers. */
const MAX_INTEGER_DIGITS = 4_300;

const NEEDS_ESCAPE = /[^ !#-[\]-~]/;
const BEYOND_ASCII = /[\x7f-\uffff]/g;

/** A JSON string in ASCII, quotes included; lone surrogates are kept as escapes. */
export function quoteJson(text: string): string {
  if (!NEEDS_ESCAPE.test(text)) return `"${text}"`;
  return JSON.stringify(text).replace(BEYOND_ASCII, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/**
 * JSON text as kombu writes it (kombu/utils/json.py): separators `, ` and `: `, ASCII only, NaN and Infinity as Python's json module, bigint as a
 * bare integer, and `{"__type__", "__value__"}` for bytes (Uint8Array), datetime (Date, PyDateTime), date, time, Decimal, UUID, set and frozenset.
 * kombu has no form for set and frozenset: a Python peer must have registered these two types (see PyFrozenSet), or it drops the message.
 * A number beyond 2^53 that is whole is written as the float it is (`1e21`, `9007199254740992.0`); exact integers of that size are bigints.
 * `undefined` is left out of objects and is null elsewhere; `toJSON` is honoured.
 * Throws CELERIAC_E_VALUE for what has no form: functions, symbols, Map, Error, Promise, cycles, integers over 4,300 digits, and plain objects
 * with exactly the keys `__type__` and `__value__`.
 */
export function stringifyJson(value: unknown): string {
  return write(value, 0);
}

function write(value: unknown, depth: number): string {
  switch (typeof value) {
    case 'string':
      return quoteJson(value);
    case 'number':
      return numberText(value);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'undefined':
      return 'null';
    case 'object':
      if (value === null) return 'null';
      if (depth >= MAX_DEPTH) throw refused(`it is nested deeper than ${MAX_DEPTH} levels, or contains itself`);
      return Array.isArray(value) ? writeArray(value, depth + 1) : writeObject(value, depth + 1);
    case 'bigint':
      return integerText(value);
    default:
      throw refused(`a ${typeof value} is not data`);
  }
}

function numberText(value: number): string {
  if (Number.isSafeInteger(value)) return value === 0 && 1 / value < 0 ? '-0.0' : String(value);
  const text = String(value);
  return Number.isInteger(value) && !text.includes('e') ? `${text}.0` : text;
}

function integerText(value: bigint): string {
  const text = value.toString();
  if (text.length > MAX_INTEGER_DIGITS) throw refused(`an integer has more than ${MAX_INTEGER_DIGITS} digits`);
  return text;
}

function writeArray(items: readonly unknown[], depth: number): string {
  if (items.length === 0) return '[]';
  let text = `[${write(items[0], depth)}`;
  for (let at = 1; at < items.length; at += 1) text += `, ${write(items[at], depth)}`;
  return `${text}]`;
}

function writeObject(value: object, depth: number): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    const special = writeSpecial(value, depth);
    if (special !== undefined) return special;
  }
  const toJson = (value as { toJSON?: unknown }).toJSON;
  if (typeof toJson === 'function') return write(toJson.call(value, ''), depth);
  let text = '';
  let count = 0;
  let tagged = 0;
  for (const key of Object.keys(value)) {
    const item = (value as Record<string, unknown>)[key];
    if (item === undefined) continue;
    text += count === 0 ? `{${quoteJson(key)}: ${write(item, depth)}` : `, ${quoteJson(key)}: ${write(item, depth)}`;
    count += 1;
    if (key === '__type__' || key === '__value__') tagged += 1;
  }
  if (tagged === 2 && count === 2) throw refused('an object with exactly the keys __type__ and __value__ would be read as another type');
  return count === 0 ? '{}' : `${text}}`;
}

function writeSpecial(value: object, depth: number): string | undefined {
  if (value instanceof Uint8Array) return bytesText(value);
  if (value instanceof Date) return dateText(value);
  if (isPythonValue(value)) return pythonText(value, depth);
  if (value instanceof Set) return tagged('set', writeArray([...value], depth));
  if (value instanceof ArrayBuffer) return bytesText(new Uint8Array(value));
  if (value instanceof Number || value instanceof String || value instanceof Boolean) return write(value.valueOf(), depth);
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') return undefined;
  if (value instanceof Map) throw refused('a Map has no form in JSON; use Object.fromEntries or an array of pairs');
  if (value instanceof Error) throw refused('an Error is not data; pass its message');
  if (value instanceof Promise) throw refused('a Promise is not data; await it first');
  if (value instanceof RegExp || value instanceof WeakMap || value instanceof WeakSet || ArrayBuffer.isView(value))
    throw refused(`a ${value.constructor.name} has no form in JSON`);
  return undefined;
}

function tagged(type: string, valueText: string): string {
  return `{"__type__": "${type}", "__value__": ${valueText}}`;
}

function bytesText(bytes: Uint8Array): string {
  const text = utf8Text(bytes);
  return text === undefined ? tagged('base64', `"${base64Text(bytes)}"`) : tagged('bytes', quoteJson(text));
}

function dateText(date: Date): string {
  const year = date.getUTCFullYear();
  if (!(year >= 1 && year <= 9999)) throw refused('a Date is invalid or outside the years 1 to 9999');
  return tagged('datetime', `"${date.toISOString().slice(0, -1)}000+00:00"`);
}

function pythonText(value: PythonValue, depth: number): string {
  if (value.pythonType === 'frozenset') return tagged('frozenset', writeArray([...value], depth));
  if (value.pythonType === 'uuid') return tagged('uuid', `{"hex": "${value.hex}"}`);
  return tagged(value.pythonType, quoteJson(value.text));
}

function refused(why: string): CeleriacError {
  return new CeleriacError('CELERIAC_E_VALUE', `The value cannot be written as JSON: ${why}.`);
}
