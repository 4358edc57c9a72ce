import { base64Bytes, utf8Bytes } from './bytes.ts';
import { PyDate, PyDateTime, PyDecimal, PyFrozenSet, PyTime, PyUuid } from './python-types.ts';

/** What a `{"__type__", "__value__"}` object of kombu's JSON stands for. Throws for an unknown type or a value that is not its text. */
export function untag(type: unknown, value: unknown): unknown {
  switch (type) {
    case 'datetime':
      return new PyDateTime(value as string);
    case 'date':
      return new PyDate(value as string);
    case 'time':
      return new PyTime(value as string);
    case 'decimal':
      return new PyDecimal(value as string);
    case 'uuid':
      return new PyUuid(hexOf(value));
    case 'bytes':
      if (typeof value !== 'string' || !value.isWellFormed()) throw new TypeError('a bytes value that is not text');
      return utf8Bytes(value);
    case 'base64':
      return bytesOf(value);
    case 'set':
      return new Set(itemsOf(value));
    case 'frozenset':
      return new PyFrozenSet(itemsOf(value));
    default:
      throw new TypeError('an unknown __type__');
  }
}

function hexOf(value: unknown): string {
  if (typeof value === 'object' && value !== null && 'hex' in value && typeof value.hex === 'string' && Object.keys(value).length === 1)
    return value.hex;
  throw new TypeError('a uuid value that is not {"hex": ...}');
}

function bytesOf(value: unknown): Uint8Array {
  const bytes = typeof value === 'string' ? base64Bytes(value) : undefined;
  if (bytes === undefined) throw new TypeError('a base64 value that is not base64');
  return new Uint8Array(bytes);
}

function itemsOf(value: unknown): unknown[] {
  if (!Array.isArray(value)) throw new TypeError('a set value that is not a list');
  return value;
}
