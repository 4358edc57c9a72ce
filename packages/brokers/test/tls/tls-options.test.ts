import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TlsInput, type TlsOptions, tlsOptions } from '../../src/tls/tls-options.ts';
import { isTlsRefusal } from '../../src/tls/tls-refusal.ts';

let dir: string;
const file = (name: string): string => join(dir, name);
const bytes = (name: string): Buffer => readFileSync(file(name));

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'celeriac-tls-options-'));
  for (const name of ['one', 'two']) {
    const made = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', file(`${name}.key`), '-out', file(`${name}.crt`)];
    execFileSync('openssl', ['req', ...made, '-subj', `/CN=${name}`], { stdio: 'pipe' });
  }
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const options = (changes: Partial<TlsInput>): TlsOptions | null =>
  tlsOptions({ secure: true, query: new Map(), ssl: undefined, sslDefaults: undefined, verifies: true, ...changes });

describe('options of TLS', () => {
  it('are none where nobody asks for TLS: defaults do not', () => {
    expect(options({ secure: false })).toBeNull();
    expect(options({ secure: false, ssl: false, sslDefaults: { sslCaCerts: file('one.crt') } })).toBeNull();
    expect(options({ secure: false, ssl: true, sslDefaults: { sslCaCerts: file('one.crt') } })?.current()).toEqual({
      rejectUnauthorized: true,
      ca: bytes('one.crt'),
    });
  });

  it.each([
    ['sslCaCerts', 'sslCertfile', 'sslKeyfile', 'sslCertReqs'],
    ['ssl_ca_certs', 'ssl_certfile', 'ssl_keyfile', 'ssl_cert_reqs'],
    ['ca_certs', 'certfile', 'keyfile', 'cert_reqs'],
    ['caCerts', 'certfile', 'keyfile', 'certReqs'],
  ])('are read by the names %s, %s, %s, %s', (ca, cert, key, requirement) => {
    const ssl = { [ca]: file('two.crt'), [cert]: file('one.crt'), [key]: file('one.key'), [requirement]: 'CERT_NONE' };
    const read = options({ ssl });
    expect(read?.verifies).toBe(false);
    expect(read?.current()).toEqual({ ca: bytes('two.crt'), cert: bytes('one.crt'), key: bytes('one.key'), rejectUnauthorized: false });
  });

  it('come from the URL first, then from ssl, then from the defaults, however each is spelt', () => {
    const query = new Map([['ssl_cert_reqs', 'none']]);
    const ssl = { ca_certs: file('one.crt'), certReqs: 'required' };
    const sslDefaults = { sslCaCerts: file('two.crt'), sslCertReqs: 'optional', sslCertfile: file('two.crt'), sslKeyfile: file('two.key') };
    const all = { rejectUnauthorized: false, ca: bytes('one.crt'), cert: bytes('two.crt'), key: bytes('two.key') };
    expect(options({ query, ssl, sslDefaults })?.current()).toEqual(all);
    expect(options({ ssl, sslDefaults })?.current()).toEqual({ ...all, rejectUnauthorized: true });
  });

  it('may be those of node:tls, and skip the name of the host', () => {
    const read = options({ ssl: { ca: bytes('one.crt'), servername: 'redis.app', sslCheckHostname: false } })?.current();
    expect(read).toMatchObject({ ca: bytes('one.crt'), servername: 'redis.app' });
    expect(read?.checkServerIdentity?.('other', {} as never)).toBeUndefined();
  });

  it('are refused with what and where', () => {
    expect(() => options({ ssl: { caCerts: '/nowhere/ca.crt' } })).toThrow(
      /CELERIAC_E_CONFIG: the file that ssl_ca_certs names cannot be read: \/nowhere\/ca\.crt/,
    );
    expect(() => options({ ssl: { certfile: file('one.crt') } })).toThrow(/needs both ssl_certfile and ssl_keyfile/);
    expect(() => options({ ssl: { certfile: file('one.crt'), keyfile: file('two.key') } })).toThrow(/one\.crt, .*two\.key cannot be used/);
    expect(() => options({ ssl: { certReqs: 'maybe' } })).toThrow(/CELERIAC_E_URL: .*not 'maybe'/);
    expect(() => options({ verifies: null })).toThrow(/must say ssl_cert_reqs/);
  });

  it('follow files that are renewed, and keep the last that could be used', () => {
    copyFileSync(file('one.crt'), file('now.crt'));
    copyFileSync(file('one.key'), file('now.key'));
    const read = options({ ssl: { certfile: file('now.crt'), keyfile: file('now.key') } });
    copyFileSync(file('two.crt'), file('now.crt'));
    expect(read?.current().cert).toEqual(bytes('one.crt'));
    copyFileSync(file('two.key'), file('now.key'));
    expect(read?.current()).toMatchObject({ cert: bytes('two.crt'), key: bytes('two.key') });
    writeFileSync(file('now.crt'), 'half a certif');
    expect(read?.current()).toMatchObject({ cert: bytes('two.crt'), key: bytes('two.key') });
    rmSync(file('now.crt'));
    expect(read?.current()).toMatchObject({ cert: bytes('two.crt') });
  });
});

it('a certificate that is not believed is no reason to try again', () => {
  for (const code of ['SELF_SIGNED_CERT_IN_CHAIN', 'CERT_HAS_EXPIRED', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'ERR_TLS_CERT_ALTNAME_INVALID'])
    expect(isTlsRefusal(Object.assign(new Error('x'), { code }))).toBe(true);
  for (const code of ['ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', undefined])
    expect(isTlsRefusal(Object.assign(new Error('x'), { code }))).toBe(false);
});
