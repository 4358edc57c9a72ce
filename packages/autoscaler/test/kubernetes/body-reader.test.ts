import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { itemsOfJson, wholeJson } from '../../src/kubernetes/body-reader.ts';

function pushed(reader: { push(chunk: Buffer): void }, text: string, sizes: readonly number[]): void {
  const bytes = Buffer.from(text);
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    reader.push(bytes.subarray(at, at + size));
    at += size;
  }
}

describe('a list read object by object', () => {
  it('gives what parsing it whole gives, however the bytes are cut', () => {
    const item = fc.dictionary(fc.string(), fc.jsonValue());
    const list = fc.record({
      kind: fc.string({ unit: 'binary' }),
      metadata: fc.dictionary(fc.string(), fc.jsonValue()),
      items: fc.array(item),
    });
    const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 });
    fc.assert(
      fc.property(list, sizes, fc.constantFrom(0, 2), (value, cut, indent) => {
        const items: unknown[] = [];
        const reader = itemsOfJson((one) => items.push(one));
        const text = JSON.stringify(value, null, indent);
        pushed(reader, text, cut);
        const { items: wanted, ...shell } = JSON.parse(text) as typeof value;
        expect(items).toEqual(wanted);
        expect(reader.end()).toEqual({ ...shell, items: [] });
      }),
      { numRuns: 500 },
    );
  });

  it.each(['', '{', '{"items":[{"a":1}', 'not json', '{"items":[{]}'])('says that %j is no JSON', (text) => {
    const read = (): unknown => {
      const reader = itemsOfJson(() => {});
      reader.push(Buffer.from(text));
      return reader.end();
    };
    expect(read).toThrow(SyntaxError);
  });
});

it('an answer read whole is parsed across its pieces', () => {
  const reader = wholeJson();
  pushed(reader, '{"a":"äöü€"}', [3, 1, 2]);
  expect(reader.end()).toEqual({ a: 'äöü€' });
});
