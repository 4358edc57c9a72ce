import { PyDateTime, PyFrozenSet, parseJson } from '@celeriac/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { exceedsDepth } from '../../src/json/depth.ts';
import { parseLossless } from '../../src/json/lossless-parser.ts';

const DIGITS = 4_300;

describe('parseJson', () => {
  test.each<[string, string, unknown]>([
    ['an exact integer', '[9007199254740993]', [9007199254740993n]],
    ['the largest safe integer', '[9007199254740991, -9007199254740991]', [9007199254740991, -9007199254740991]],
    ['16 digits that are safe', '[1234567890123456]', [1234567890123456]],
    ['digits after a point', '[0.12345678901234567]', [Number('0.12345678901234567')]],
    ['a float of many digits', '[12345678901234567890.5, 1e400]', [12345678901234567000, Number.POSITIVE_INFINITY]],
    ['digits in text', '["12345678901234567890"]', ['12345678901234567890']],
    ['NaN beside the word in text', '["NaN", NaN, -Infinity]', ['NaN', Number.NaN, Number.NEGATIVE_INFINITY]],
    ['a tag', '{"__type__": "datetime", "__value__": "2026-01-01T00:00:00.123456"}', new PyDateTime('2026-01-01T00:00:00.123456')],
    ['a tag hidden in escapes', '{"\\u005f_type__": "bytes", "__value__": "x"}', Uint8Array.of(120)],
    [
      'a tag within a tag',
      '{"__type__": "set", "__value__": [{"__type__": "frozenset", "__value__": [1]}]}',
      new Set([new PyFrozenSet([1])]),
    ],
    ['the keys of a tag and one more', '{"__type__": "x", "__value__": 1, "y": 2}', { __type__: 'x', __value__: 1, y: 2 }],
    ['white space of all kinds', ' \t\r\n[ 9007199254740993 , { "a" : 1 } ]\n', [9007199254740993n, { a: 1 }]],
  ])('reads %s', (_name, text, value) => {
    expect(parseJson(text)).toEqual(value);
  });

  test.each([
    '',
    '[',
    '{',
    '[1,]',
    '{"a":1,}',
    '{"a" 1}',
    '{a: 1}',
    "['a']",
    '[01]',
    '[1.]',
    '[.5]',
    '[+1]',
    '[1e]',
    '"a',
    '"\n"',
    '"\\x"',
    'nul',
    'Nan',
    'infinity',
    '[-]',
    '1 2',
    '[9007199254740993',
    '\ufeff[]',
    '[NaN,]',
    '[NaN',
    '{"__type__": "x", "__value__": 1}',
    '{"__type__": "base64", "__value__": "###"}',
    '{"__type__": "bytes", "__value__": "\\ud800"}',
    '{"__type__": "set", "__value__": 5}',
    '{"__type__": ["uuid"], "__value__": 5}',
    '{"__type__": "decimal", "__value__": 5}',
  ])('refuses %s', (text) => {
    expect(() => parseJson(text)).toThrow(/^CELERIAC_E_VALUE: /);
  });

  test('refuses what is over a limit, with a code of its own', () => {
    expect(() => parseJson(`[${'1'.repeat(DIGITS + 1)}]`)).toThrow(/^CELERIAC_E_TOO_LARGE: /);
    expect(() => parseJson(`${'['.repeat(2000)}${']'.repeat(2000)}`)).toThrow(/^CELERIAC_E_TOO_LARGE: /);
    expect(() => parseJson('[[[1]]]', { depth: 2, integerDigits: 10 })).toThrow(/^CELERIAC_E_TOO_LARGE: /);
  });

  test('keeps __proto__ as data in objects of every depth', () => {
    const value = parseJson('{"a": {"x": 1, "__proto__": {"polluted": true}, "y": 2}}') as { a: Record<string, unknown> };
    expect(Object.keys(value.a)).toEqual(['x', '__proto__', 'y']);
    expect(Object.getPrototypeOf(value.a)).toBeNull();
    expect('polluted' in value.a).toBe(false);
  });
});

test('an integer of any length is exact wherever it stands', () => {
  const filler = fc.string({ unit: fc.constantFrom('1', '9', 'a', '.', ' ', '-', 'é'), maxLength: 40 });
  fc.assert(
    fc.property(
      filler,
      fc.bigInt({ min: -(10n ** 60n), max: 10n ** 60n }),
      filler,
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      (before, integer, after, float) => {
        const read = parseJson(`["${before}", ${integer}, "${after}", ${float}]`) as [string, number | bigint, string, number];
        expect([read[0], BigInt(read[1]), read[2]]).toEqual([before, integer, after]);
        expect(typeof read[1]).toBe(Number.isSafeInteger(Number(integer)) ? 'number' : 'bigint');
      },
    ),
    { numRuns: 2_000 },
  );
});

describe('the lossless parser', () => {
  test('agrees with JSON.parse on any JSON', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), (text) => {
        if (/\d{16}|__proto__|__type__/.test(text)) return;
        expect(parseLossless(text, DIGITS)).toEqual(JSON.parse(text));
      }),
      { numRuns: 500 },
    );
  });

  test('accepts and refuses the same broken texts as JSON.parse', () => {
    const broken = fc
      .tuple(
        fc.json({ maxDepth: 3 }),
        fc.nat(),
        fc.constantFrom('', ',', '"', '\\', '}', ']', '{', '-', '.', 'e', '0', ' ', '\n', '\u0001'),
      )
      .map(([text, at, insert]) => text.slice(0, at % (text.length + 1)) + insert + text.slice((at % (text.length + 1)) + (at % 2)));
    fc.assert(
      fc.property(broken, (text) => {
        if (/\d{16}|__proto__|__type__/.test(text)) return;
        let expected: unknown;
        try {
          expected = JSON.parse(text);
        } catch {
          expect(() => parseLossless(text, DIGITS)).toThrow();
          return;
        }
        expect(parseLossless(text, DIGITS)).toEqual(expected);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('exceedsDepth', () => {
  const depthOf = (value: unknown): number =>
    typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0;

  test('counts what JSON.parse makes, whatever brackets stand in texts', () => {
    const bracketed = fc.letrec<{ any: unknown }>((tie) => ({
      any: fc.oneof(
        { depthSize: 'medium' },
        fc.constantFrom('[[[', ']]', '{"', '\\', '\\"[', 'x', 1, null),
        fc.array(tie('any'), { maxLength: 3 }),
        fc.dictionary(fc.constantFrom('a', '[', '\\"'), tie('any'), { maxKeys: 2 }),
      ),
    })).any;
    fc.assert(
      fc.property(bracketed, fc.integer({ min: 0, max: 8 }), (value, limit) => {
        expect(exceedsDepth(JSON.stringify(value), limit)).toBe(depthOf(value) > limit);
      }),
      { numRuns: 500 },
    );
  });
});
