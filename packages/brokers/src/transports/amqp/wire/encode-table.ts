import { CeleriacError } from '@celeriac/protocol';
import type { FrameWriter } from './frame-writer.ts';

const tag = (letter: string): number => letter.charCodeAt(0);
const TEXT = tag('S');
const INT32 = tag('I');
const INT64 = tag('l');
const DOUBLE = tag('d');
const BOOLEAN = tag('t');
const VOID = tag('V');
const TABLE = tag('F');
const ARRAY = tag('A');
const BYTES = tag('x');
const TIMESTAMP = tag('T');
const MAX_DEPTH = 512;

/**
 * Writes a field table that every py-amqp reads: integers only as int32 or int64, because py-amqp up to 5.3.1 takes int16 for a text and
 * int8 for unsigned. `undefined` is left out. Throws CELERIAC_E_VALUE for what a table cannot hold.
 */
export function encodeTable(writer: FrameWriter, table: Readonly<Record<string, unknown>>, depth = 0): void {
  if (depth > MAX_DEPTH) throw new CeleriacError('CELERIAC_E_VALUE', `headers are nested deeper than ${MAX_DEPTH} levels`);
  const start = writer.length;
  writer.long(0);
  for (const key of Object.keys(table)) {
    const value = table[key];
    if (value === undefined) continue;
    writer.shortText(key);
    encodeValue(writer, value, depth);
  }
  writer.longAt(start, writer.length - start - 4);
}

function encodeValue(writer: FrameWriter, value: unknown, depth: number): void {
  switch (typeof value) {
    case 'string':
      writer.octet(TEXT);
      writer.longText(value);
      return;
    case 'number':
      encodeNumber(writer, value);
      return;
    case 'boolean':
      writer.octet(BOOLEAN);
      writer.octet(value ? 1 : 0);
      return;
    case 'bigint':
      if (BigInt.asIntN(64, value) !== value) throw new CeleriacError('CELERIAC_E_VALUE', 'a header integer does not fit into 64 bits');
      writer.octet(INT64);
      writer.longlong(value);
      return;
    case 'object':
      encodeObject(writer, value, depth);
      return;
    case 'undefined':
      writer.octet(VOID);
      return;
    default:
      throw new CeleriacError('CELERIAC_E_VALUE', `a header cannot hold a ${typeof value}`);
  }
}

function encodeNumber(writer: FrameWriter, value: number): void {
  if ((value | 0) === value && !Object.is(value, -0)) {
    writer.octet(INT32);
    writer.long(value);
  } else if (Number.isSafeInteger(value) && value !== 0) {
    writer.octet(INT64);
    writer.longlong(BigInt(value));
  } else {
    writer.octet(DOUBLE);
    writer.double(value);
  }
}

function encodeObject(writer: FrameWriter, value: object | null, depth: number): void {
  if (value === null) {
    writer.octet(VOID);
  } else if (Array.isArray(value)) {
    if (depth > MAX_DEPTH) throw new CeleriacError('CELERIAC_E_VALUE', `headers are nested deeper than ${MAX_DEPTH} levels`);
    writer.octet(ARRAY);
    const start = writer.length;
    writer.long(0);
    for (const item of value) encodeValue(writer, item, depth + 1);
    writer.longAt(start, writer.length - start - 4);
  } else if (value instanceof Uint8Array) {
    writer.octet(BYTES);
    writer.long(value.length);
    writer.bytes(value);
  } else if (value instanceof Date) {
    writer.octet(TIMESTAMP);
    writer.longlong(BigInt(Math.floor(value.getTime() / 1000)));
  } else {
    writer.octet(TABLE);
    encodeTable(writer, value as Record<string, unknown>, depth + 1);
  }
}
