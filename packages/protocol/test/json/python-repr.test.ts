import { PyDecimal, PyFrozenSet, pythonRepr, pythonReprTuple } from '@celeriac/protocol';
import { expect, test } from 'vitest';
import { pythonQuote } from '../../src/json/python-repr.ts';

test.each<[unknown, string]>([
  [null, 'None'],
  [undefined, 'None'],
  [true, 'True'],
  [1.5, '1.5'],
  [Number.NaN, 'nan'],
  [2n ** 64n, '18446744073709551616'],
  ["it's", "'it\\'s'"],
  [{ y: 2, z: [1, null] }, "{'y': 2, 'z': [1, None]}"],
  [[], '[]'],
  [{}, '{}'],
  [new Set([1]), '{1}'],
  [new Set(), 'set()'],
  [new PyFrozenSet([1]), 'frozenset({1})'],
  [new PyDecimal('1.10'), "Decimal('1.10')"],
  [Uint8Array.of(255), "b'ff'"],
  [() => 1, '<function>'],
  [[[[[1]]]], '[[[[...]]]]'],
])('pythonRepr %#: %s', (value, text) => {
  expect(pythonRepr(value)).toBe(text);
});

test('a tuple', () => {
  expect([pythonReprTuple([]), pythonReprTuple([1]), pythonReprTuple([1, 'a', [2]])]).toEqual(['()', '(1,)', "(1, 'a', [2])"]);
});

test('is cut at about the limit, with the brackets closed, whatever the size', () => {
  const text = pythonReprTuple([[{ key: 'x'.repeat(10_000_000) }], 'y']);
  expect(text.length).toBeLessThan(1_200);
  expect(text).toMatch(/^\(\[\{'key': 'x+\.\.\.'\}\]/);
  expect(text.endsWith(')')).toBe(true);
});

test('does not follow a cycle', () => {
  const cycle: unknown[] = [];
  cycle.push(cycle);
  expect(pythonRepr(cycle)).toBe('[[[[...]]]]');
});

test.each([
  ["it's", `"it's"`],
  [`it's "x"`, `'it\\'s "x"'`],
  ['a\n\t\\\x00\u00ad', String.raw`'a\n\t\\\x00\xad'`],
  ['\ud800', String.raw`'\ud800'`],
])('pythonQuote %#', (text, quoted) => {
  expect(pythonQuote(text)).toBe(quoted);
});
