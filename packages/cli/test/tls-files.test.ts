import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { tlsDefaultsOf } from '../src/tls-files.ts';

const folder = mkdtempSync(join(tmpdir(), 'celeriac-tls-files-'));
const file = join(folder, 'ca.crt');
writeFileSync(file, '');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('are the files that the environment names, and then the server is verified', () => {
  expect(tlsDefaultsOf({})).toBeUndefined();
  expect(tlsDefaultsOf({ CELERIAC_TLS_CA_FILE: '' })).toBeUndefined();
  expect(tlsDefaultsOf({ CELERIAC_TLS_CA_FILE: file })).toEqual({ sslCertReqs: 'required', sslCaCerts: file });
  const client = { CELERIAC_TLS_CERT_FILE: file, CELERIAC_TLS_KEY_FILE: file };
  expect(tlsDefaultsOf(client)).toEqual({ sslCertReqs: 'required', sslCertfile: file, sslKeyfile: file });
});

it('must be readable, and a certificate needs its key', () => {
  expect(() => tlsDefaultsOf({ CELERIAC_TLS_CA_FILE: join(folder, 'none') })).toThrow(/CELERIAC_TLS_CA_FILE names a file .*none \(ENOENT/);
  expect(() => tlsDefaultsOf({ CELERIAC_TLS_CERT_FILE: file })).toThrow(/go together/);
  expect(() => tlsDefaultsOf({ CELERIAC_TLS_KEY_FILE: file })).toThrow(/go together/);
});
