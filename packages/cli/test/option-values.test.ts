import { expect, test } from 'vitest';
import { countUpTo, listenAddress, names, seconds } from '../src/option-values.ts';

test.each([
  ['0.0.0.0:8081', { host: '0.0.0.0', port: 8081 }],
  ['localhost:0', { host: 'localhost', port: 0 }],
  ['[::1]:65535', { host: '::1', port: 65_535 }],
  [':8081', { host: '0.0.0.0', port: 8081 }],
  ['8081', { host: '127.0.0.1', port: 8081 }],
])('listens at %s', (text, address) => {
  expect(listenAddress(text)).toEqual(address);
});

test.each(['', 'off', '0.0.0.0', '0.0.0.0:', 'host:65536', '::1:80', '*:80', 'host:8o'])('does not listen at %j', (text) => {
  expect(() => listenAddress(text)).toThrow(/needed|every address/);
});

test('reads names, counts and seconds, and says what is needed instead', () => {
  expect(names(' a, b,,c ')).toEqual(['a', 'b', 'c']);
  expect(() => names(' ,')).toThrow('at least one name is needed');
  expect(['1', '255'].map(countUpTo(255))).toEqual([1, 255]);
  for (const text of ['0', '256', '-1', '1.5', '', '1e2']) expect(() => countUpTo(255)(text)).toThrow('from 1 to 255 is needed');
  expect(() => countUpTo()('9007199254740993')).toThrow('a whole number from 1 is needed');
  expect(seconds('0.5')).toBe(0.5);
  for (const text of ['0', '-1', '', ' ', 'soon', 'Infinity']) expect(() => seconds(text)).toThrow('above 0 is needed');
});
