import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { sentinelPasswordOf } from '../src/sentinel-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'celeriac-sentinel-file-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const fileWith = (name: string, text: string): { CELERIAC_SENTINEL_PASSWORD_FILE: string } => {
  const file = join(folder, name);
  writeFileSync(file, text);
  return { CELERIAC_SENTINEL_PASSWORD_FILE: file };
};

it('is the first line of the file', () => {
  expect(sentinelPasswordOf({})).toBeUndefined();
  expect(sentinelPasswordOf({ CELERIAC_SENTINEL_PASSWORD_FILE: '' })).toBeUndefined();
  expect(sentinelPasswordOf(fileWith('bare', 's p:@'))).toBe('s p:@');
  expect(sentinelPasswordOf(fileWith('line', 'secret\n'))).toBe('secret');
  expect(sentinelPasswordOf(fileWith('lines', 'secret\r\nmore\n'))).toBe('secret');
});

it('is told when it cannot be had', () => {
  expect(() => sentinelPasswordOf({ CELERIAC_SENTINEL_PASSWORD_FILE: join(folder, 'none') })).toThrow(/cannot be read: .*none \(ENOENT/);
  expect(() => sentinelPasswordOf(fileWith('empty', '\n'))).toThrow(/without a password/);
});
