import { CeleriacError, PyDateTime, PyDecimal, PyFrozenSet, PyUuid, parseJson, quoteJson, stringifyJson } from '@celeriac/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

describe('stringifyJson', () => {
  test.each<[string, unknown, string]>([
    ['Python separators', { a: [1, 2], b: {} }, '{"a": [1, 2], "b": {}}'],
    ['ASCII only', 'é€𝄞\x7f', String.raw`"\u00e9\u20ac\ud834\udd1e\u007f"`],
    ['a lone surrogate', '\ud800x', String.raw`"\ud800x"`],
    ['control characters and quotes', 'a"\\\n\x01', String.raw`"a\"\\\n\u0001"`],
    ['numbers', [0, -1, 1.5, 1e21, 1e-7], '[0, -1, 1.5, 1e+21, 1e-7]'],
    ['minus zero', -0, '-0.0'],
    ['a whole number beyond 2^53 is the float it is', 2 ** 53, '9007199254740992.0'],
    ['NaN and Infinity', [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY], '[NaN, Infinity, -Infinity]'],
    ['a bigint', -(2n ** 70n), '-1180591620717411303424'],
    ['undefined', { a: undefined, b: [undefined] }, '{"b": [null]}'],
    ['nothing at all', undefined, 'null'],
    ['a Date', new Date(Date.UTC(2026, 0, 2, 3, 4, 5, 6)), '{"__type__": "datetime", "__value__": "2026-01-02T03:04:05.006000+00:00"}'],
    ['bytes that are text', new TextEncoder().encode('é'), '{"__type__": "bytes", "__value__": "\\u00e9"}'],
    ['bytes that are not', Uint8Array.of(0xff, 0xfe), '{"__type__": "base64", "__value__": "//4="}'],
    ['a Buffer', Buffer.from('x'), '{"__type__": "bytes", "__value__": "x"}'],
    ['an ArrayBuffer', new Uint8Array([120]).buffer, '{"__type__": "bytes", "__value__": "x"}'],
    ['a Decimal', new PyDecimal('1.10'), '{"__type__": "decimal", "__value__": "1.10"}'],
    [
      'a UUID',
      new PyUuid('6A3F1C9E-52D4-4C44-9B0A-000000000001'),
      '{"__type__": "uuid", "__value__": {"hex": "6a3f1c9e52d44c449b0a000000000001"}}',
    ],
    ['a Set', new Set([1, 'a']), '{"__type__": "set", "__value__": [1, "a"]}'],
    ['a frozenset', new PyFrozenSet([1, 1]), '{"__type__": "frozenset", "__value__": [1]}'],
    ['toJSON', new URL('http://localhost/'), '"http://localhost/"'],
    ['boxed values', [Object(1), Object('a'), Object(true)], '[1, "a", true]'],
    ['an object without prototype', Object.assign(Object.create(null), { a: 1 }), '{"a": 1}'],
    ['one tag key alone', { __type__: 'uuid', other: 1 }, '{"__type__": "uuid", "other": 1}'],
  ])('%s', (_name, value, text) => {
    expect(stringifyJson(value)).toBe(text);
  });

  const cycle: unknown[] = [];
  cycle.push(cycle);
  test.each<[string, unknown]>([
    ['a function', () => 1],
    ['a symbol', Symbol('x')],
    ['a function in an object', { f: () => 1 }],
    ['a cycle', cycle],
    ['a Map', new Map()],
    ['an Error', new Error('x')],
    ['a Promise', Promise.resolve()],
    ['a RegExp', /x/],
    ['a Float64Array', new Float64Array(1)],
    ['an invalid Date', new Date(Number.NaN)],
    ['a Date of the year 10000', new Date(253402300800000)],
    ['an integer of 4,301 digits', 10n ** 4300n],
    ['an object that would be read as another type', { __type__: 'uuid', __value__: { hex: '0' } }],
  ])('refuses %s', (_name, value) => {
    expect(() => stringifyJson(value)).toThrow(CeleriacError);
    expect(() => stringifyJson(value)).toThrow(/^CELERIAC_E_VALUE: /);
  });

  test('writes plain data as JSON that any reader takes, in ASCII', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        const text = stringifyJson(value);
        expect(JSON.parse(text)).toEqual(value);
        expect(text).toMatch(/^[ -~]*$/);
      }),
      { numRuns: 300 },
    );
  });

  test('quotes any text so that it comes back', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 0xffff })), (units) => {
        const text = String.fromCharCode(...units);
        expect(JSON.parse(quoteJson(text))).toBe(text);
      }),
    );
  });
});

describe('the Python wrappers', () => {
  test('refuse text that Python would not read', () => {
    for (const make of [
      () => new PyDateTime('now'),
      () => new PyDecimal('1,5'),
      () => new PyUuid('x'),
      () => new PyDateTime('2026-13-01T00:00:00'),
    ])
      expect(make).toThrow(/CELERIAC_E_VALUE/);
  });

  test('show themselves as their text', () => {
    expect(`${String(new PyDecimal('1.10'))} ${JSON.stringify(new PyUuid('6a3f1c9e52d44c449b0a000000000001'))}`).toBe(
      '1.10 "6a3f1c9e-52d4-4c44-9b0a-000000000001"',
    );
    expect(new PyDateTime('2026-01-01T00:00:00.123456').toDate().toISOString()).toBe('2026-01-01T00:00:00.123Z');
    expect(new PyDateTime('2026-01-01T02:00:00+02:00').toDate().toISOString()).toBe('2026-01-01T00:00:00.000Z');
  });

  test('are recognised from another copy of the package', () => {
    class Other {
      readonly pythonType = 'decimal';
      readonly text = '1.5';
    }
    expect(parseJson(stringifyJson(new Other()))).toEqual(new PyDecimal('1.5'));
  });
});
