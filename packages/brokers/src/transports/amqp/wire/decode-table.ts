/** Thrown inside the decoder only; `decodeProperties` turns it into a value. */
export class MalformedTable extends Error {
  override readonly name: string = 'MalformedTable';
}

const MAX_DEPTH = 512;
const KEY_CACHE_ENTRIES = 512;
const keys = new Map<number, { readonly bytes: Buffer; readonly text: string }[]>();
let cachedKeys = 0;

/**
 * Reads the field table whose content lies in `bytes` from `start` to `end`. Knows every tag RabbitMQ and py-amqp write, among them `L`
 * (signed 64 bits, py-amqp). Integers beyond 2^53 come as bigint, timestamps as Date, decimals as number. Objects have no prototype.
 */
export function decodeTable(bytes: Buffer, start: number, end: number, depth = 0): Record<string, unknown> {
  if (depth > MAX_DEPTH) throw new MalformedTable(`nested deeper than ${MAX_DEPTH} levels`);
  if (end > bytes.length) throw new MalformedTable('a length points behind the end');
  const table: Record<string, unknown> = Object.create(null);
  const cursor = { bytes, offset: start, end };
  while (cursor.offset < end) {
    const length = bytes[cursor.offset] as number;
    const from = advance(cursor, 1 + length) + 1;
    table[keyText(bytes, from, from + length)] = decodeValue(cursor, depth);
  }
  return table;
}

interface Cursor {
  readonly bytes: Buffer;
  offset: number;
  readonly end: number;
}

/** Moves on by `count` bytes and returns where it stood. */
function advance(cursor: Cursor, count: number): number {
  const at = cursor.offset;
  cursor.offset = at + count;
  if (cursor.offset > cursor.end) throw new MalformedTable('a value ends behind the table');
  return at;
}

/** Header names repeat in every message: equal bytes give the same text without decoding. */
function keyText(bytes: Buffer, start: number, end: number): string {
  const hash = ((end - start) << 16) | ((bytes[start] ?? 0) << 8) | (bytes[end - 1] ?? 0);
  const bucket = keys.get(hash);
  for (const known of bucket ?? []) {
    if (bytes.compare(known.bytes, 0, known.bytes.length, start, end) === 0) return known.text;
  }
  const text = bytes.toString('utf8', start, end);
  if (cachedKeys < KEY_CACHE_ENTRIES) {
    cachedKeys++;
    const entry = { bytes: Buffer.from(bytes.subarray(start, end)), text };
    if (bucket === undefined) keys.set(hash, [entry]);
    else bucket.push(entry);
  }
  return text;
}

function decodeValue(cursor: Cursor, depth: number): unknown {
  const { bytes } = cursor;
  const tag = bytes[advance(cursor, 1)] as number;
  switch (tag) {
    case 0x53: {
      const length = bytes.readUInt32BE(advance(cursor, 4));
      const from = advance(cursor, length);
      return bytes.toString('utf8', from, from + length);
    }
    case 0x56:
      return null;
    case 0x49:
      return bytes.readInt32BE(advance(cursor, 4));
    case 0x74:
      return bytes[advance(cursor, 1)] !== 0;
    case 0x46: {
      const length = bytes.readUInt32BE(advance(cursor, 4));
      const from = advance(cursor, length);
      return decodeTable(bytes, from, from + length, depth + 1);
    }
    case 0x41:
      return decodeArray(cursor, depth);
    case 0x64:
      return bytes.readDoubleBE(advance(cursor, 8));
    case 0x6c:
    case 0x4c:
      return narrow(bytes.readBigInt64BE(advance(cursor, 8)));
    default:
      return decodeRareValue(cursor, tag);
  }
}

function decodeRareValue(cursor: Cursor, tag: number): unknown {
  const { bytes } = cursor;
  switch (String.fromCharCode(tag)) {
    case 'b':
      return bytes.readInt8(advance(cursor, 1));
    case 'B':
      return bytes[advance(cursor, 1)];
    case 's':
    case 'U':
      return bytes.readInt16BE(advance(cursor, 2));
    case 'u':
      return bytes.readUInt16BE(advance(cursor, 2));
    case 'i':
      return bytes.readUInt32BE(advance(cursor, 4));
    case 'f':
      return bytes.readFloatBE(advance(cursor, 4));
    case 'T': {
      const seconds = bytes.readBigUInt64BE(advance(cursor, 8));
      const date = new Date(Number(seconds) * 1000);
      // No time at all: as a signed number it can at least be written again.
      return Number.isNaN(date.getTime()) ? narrow(BigInt.asIntN(64, seconds)) : date;
    }
    case 'D': {
      const at = advance(cursor, 5);
      return bytes.readInt32BE(at + 1) / 10 ** (bytes[at] as number);
    }
    case 'x': {
      const length = bytes.readUInt32BE(advance(cursor, 4));
      const from = advance(cursor, length);
      return Uint8Array.from(bytes.subarray(from, from + length));
    }
    default:
      throw new MalformedTable(`unknown type tag 0x${tag.toString(16)}`);
  }
}

function decodeArray(cursor: Cursor, depth: number): unknown[] {
  if (depth >= MAX_DEPTH) throw new MalformedTable(`nested deeper than ${MAX_DEPTH} levels`);
  const length = cursor.bytes.readUInt32BE(advance(cursor, 4));
  const start = advance(cursor, length);
  const inner = { bytes: cursor.bytes, offset: start, end: start + length };
  const items: unknown[] = [];
  while (inner.offset < inner.end) items.push(decodeValue(inner, depth + 1));
  return items;
}

function narrow(value: bigint): number | bigint {
  return value >= -9_007_199_254_740_991n && value <= 9_007_199_254_740_991n ? Number(value) : value;
}
