import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeProperties, encodeProperties } from '../../src/transports/amqp/wire/basic-properties.ts';
import { decodeTable, MalformedTable } from '../../src/transports/amqp/wire/decode-table.ts';
import { encodeTable } from '../../src/transports/amqp/wire/encode-table.ts';
import { createFrameWriter } from '../../src/transports/amqp/wire/frame-writer.ts';

const encoded = (table: Record<string, unknown>): Buffer => {
  const writer = createFrameWriter(8);
  encodeTable(writer, table);
  return writer.take();
};
const decoded = (bytes: Buffer): Record<string, unknown> => decodeTable(bytes, 4, bytes.length);
const plain = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
};

const leaf = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ minLength: 45, maxLength: 60 }),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double({ noNaN: true }).filter((value) => !Object.is(value, -0)),
  fc.bigInt({ min: 2n ** 53n, max: 2n ** 63n - 1n }),
  fc.bigInt({ min: -(2n ** 63n), max: -(2n ** 53n) }),
  fc.boolean(),
  fc.constant(null),
  fc.uint8Array(),
);
const key = fc.string({ maxLength: 60 }).filter((text) => text !== '__proto__');
const table = fc.letrec<{ value: unknown; table: Record<string, unknown> }>((tie) => ({
  value: fc.oneof({ depthSize: 'small' }, leaf, fc.array(tie('value'), { maxLength: 4 }), tie('table')),
  table: fc.dictionary(key, tie('value'), { maxKeys: 6 }),
})).table;

describe('field tables', () => {
  it('come out as they went in', () => {
    fc.assert(
      fc.property(table, (value) => {
        expect(plain(decoded(encoded(value)))).toEqual(plain(value));
      }),
    );
  });

  it('hold no integer as int8 or int16', () => {
    const bytes = encoded({ a: 1, b: -1, c: 300, d: -30_000, e: [7, 8] });
    expect([...bytes.toString('latin1').matchAll(/[bsBu]\0/g)]).toEqual([]);
    expect(encoded({ a: 1 })).toEqual(Buffer.from([0, 0, 0, 7, 1, 0x61, 0x49, 0, 0, 0, 1]));
  });

  it('read what others write: L, B, u, s, b, i, f, D, T', () => {
    const bytes = Buffer.concat([
      Buffer.from([0, 0, 0, 0]),
      Buffer.from('\x01aL\0\0\x01\x99\xc8\x2c\xc0\0', 'latin1'),
      Buffer.from('\x01bB\xff\x01cu\xff\xff\x01ds\xff\xff\x01eb\xff\x01fi\xff\xff\xff\xff', 'latin1'),
      Buffer.from('\x01gf\x3f\x80\0\0\x01hD\x02\0\0\x04\xe2\x01iT\0\0\0\0\0\0\0\x01', 'latin1'),
    ]);
    expect({ ...decoded(bytes) }).toEqual({
      a: 0x199c82cc000,
      b: 255,
      c: 65_535,
      d: -1,
      e: -1,
      f: 4_294_967_295,
      g: 1,
      h: 12.5,
      i: new Date(1000),
    });
  });

  it('cannot give an object another prototype', () => {
    const writer = createFrameWriter();
    encodeTable(writer, JSON.parse('{"__proto__": {"polluted": true}}'));
    const result = decoded(writer.take());
    expect(Object.getPrototypeOf(result)).toBe(null);
    expect(Object.keys(result)).toEqual(['__proto__']);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('throw nothing but MalformedTable or RangeError, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          decodeTable(Buffer.from(bytes), 0, bytes.length);
        } catch (error) {
          expect(error instanceof MalformedTable || error instanceof RangeError).toBe(true);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('refuse a nesting beyond 512 levels in both directions', () => {
    let deep: Record<string, unknown> = {};
    for (let level = 0; level < 600; level++) deep = { deep };
    expect(() => encoded(deep)).toThrow(/512/);
    let bytes = Buffer.alloc(0);
    for (let level = 0; level < 600; level++) {
      const head = Buffer.from([1, 0x61, 0x46, 0, 0, 0, 0]);
      head.writeUInt32BE(bytes.length, 3);
      bytes = Buffer.concat([head, bytes]);
    }
    expect(() => decodeTable(bytes, 0, bytes.length)).toThrow(MalformedTable);
  });
});

describe('properties', () => {
  it('are read whatever the bytes are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const read = decodeProperties(Buffer.from(bytes), 0, 10, false);
        expect(typeof read.headers).toBe('object');
      }),
      { numRuns: 2_000 },
    );
  });

  it('come out as they went in', () => {
    const message = {
      headers: { id: 'x' },
      properties: {
        deliveryMode: 2 as const,
        priority: 7,
        correlationId: 'c',
        replyTo: 'r',
        expirationMs: 5_000,
        messageId: 'm',
        timestamp: 1_760_000_000,
        type: 't',
        userId: 'u',
        appId: 'a',
      },
      contentType: 'application/json',
      contentEncoding: 'utf-8',
      body: new Uint8Array(),
    };
    const writer = createFrameWriter();
    encodeProperties(writer, message, { more: 1 });
    const { headers, properties, contentType, contentEncoding, malformed } = decodeProperties(writer.take(), 0, 0, false);
    expect(malformed).toBeUndefined();
    expect({ ...headers }).toEqual({ id: 'x', more: 1 });
    expect({ properties, contentType, contentEncoding }).toEqual({
      properties: message.properties,
      contentType: 'application/json',
      contentEncoding: 'utf-8',
    });
  });
});
