import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CeleriacError, ERROR_CODES, isCeleriacError } from '@celeriac/protocol';
import { expect, test } from 'vitest';

const PACKAGES = join(import.meta.dirname, '../../..');

function sourcesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name));
}

test('every code is thrown, returned or recorded somewhere', () => {
  const sources = readdirSync(PACKAGES)
    .flatMap((name) => sourcesOf(join(PACKAGES, name, 'src')))
    .filter((path) => !path.endsWith('errors/codes.ts'))
    .map((path) => readFileSync(path, 'utf8'))
    .join('\n');
  const unused = Object.keys(ERROR_CODES).filter((code) => !sources.includes(`'${code}'`));
  expect(unused).toEqual([]);
});

test('an error is known by its code, also one of another copy of the package', () => {
  const error = new CeleriacError('CELERIAC_E_VALUE', 'No.', { data: { x: 1 }, cause: 'y' });
  expect(error).toMatchObject({ message: 'CELERIAC_E_VALUE: No.', code: 'CELERIAC_E_VALUE', data: { x: 1 }, cause: 'y' });
  expect([
    isCeleriacError(error),
    isCeleriacError(error, 'CELERIAC_E_BODY'),
    isCeleriacError(new Error('x')),
    isCeleriacError('x'),
  ]).toEqual([true, false, false, false]);
  class CeleriacErrorOfAnotherCopy extends Error {
    override readonly name = 'CeleriacError';
    readonly code = 'CELERIAC_E_VALUE';
  }
  expect(isCeleriacError(new CeleriacErrorOfAnotherCopy(), 'CELERIAC_E_VALUE')).toBe(true);
});

test('this package imports no module of Node, so that browsers can load it', () => {
  for (const path of sourcesOf(join(PACKAGES, 'protocol/src')))
    expect(readFileSync(path, 'utf8').match(/^(?:import|export) (?!type).*from '(?!\.)[^']+'/m)?.[0], path).toBeUndefined();
});
