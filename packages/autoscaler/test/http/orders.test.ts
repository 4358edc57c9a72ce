import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { isCeleriacError } from '@celeriac/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readOrder } from '../../src/http/order-request.ts';
import { type Access, createWriteAccess } from '../../src/http/write-access.ts';

let folder: string;
let tokenFile: string;
const TOKEN = 'a-token-of-24-characters';
const servers: Server[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'celeriac-token-'));
  tokenFile = join(folder, 'token');
  writeFileSync(tokenFile, `${TOKEN}\n`);
});
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
  rmSync(folder, { recursive: true, force: true });
});

/** What a real server makes of a real request. */
async function asked<T>(
  answer: (asking: IncomingMessage) => Promise<T>,
  options: { readonly headers?: Record<string, string>; readonly body?: string; readonly host?: string } = {},
): Promise<T> {
  const { headers = {}, body = '', host = '127.0.0.1' } = options;
  return new Promise((resolve, reject) => {
    const server = createServer((asking, response) => {
      answer(asking).then(resolve, reject);
      asking.resume();
      response.end();
    });
    servers.push(server);
    server.listen(0, host, () => {
      const { port } = server.address() as AddressInfo;
      const asking = request({ host, port, method: 'POST', headers, agent: false }, (response) => response.resume());
      // A server may answer before it has read a body that is too long.
      asking.on('error', () => undefined);
      asking.end(body);
    });
  });
}

describe('who may order', () => {
  const access = async (headers: Record<string, string>, file?: string, host?: string): Promise<Access> =>
    asked(await createWriteAccess(file), { headers, ...(host === undefined ? {} : { host }) });

  it.each([
    ['whoever is on this machine', { host: '127.0.0.1:9810' }],
    ['by its name', { host: 'localhost:1' }],
    ['over IPv6', { host: '[::1]:9810' }],
  ])('%s', async (_, headers) => {
    expect(await access(headers)).toEqual({ kind: 'granted' });
  });
  it.each([
    ['a browser that was led here by a name of somebody else', { host: 'evil.example:9810' }],
    ['a name that only begins like ours', { host: 'localhost.evil.example' }],
    ['a name that only ends like ours', { host: 'evil.example@127.0.0.1' }],
    ['a proxy on this machine', { host: 'localhost', 'x-forwarded-for': '203.0.113.9' }],
    ['a mesh on this machine', { host: 'localhost', 'x-envoy-external-address': '203.0.113.9' }],
    ['a token where none is known', { host: 'celeriac', authorization: `Bearer ${TOKEN}` }],
  ])('not %s', async (_, headers) => {
    expect(await access(headers)).toMatchObject({
      kind: 'refused',
      status: 403,
      text: expect.stringMatching(/^read only: .*--http-token-file/),
    });
  });
  it('not another machine, whatever it says of itself', async () => {
    const foreign = Object.values(networkInterfaces())
      .flat()
      .find((address) => address?.family === 'IPv4' && !address.internal)?.address;
    if (foreign === undefined) return;
    expect(await access({ host: 'localhost' }, undefined, foreign)).toMatchObject({ kind: 'refused', status: 403 });
    expect(await access({ host: 'localhost', authorization: `Bearer ${TOKEN}` }, tokenFile, foreign)).toEqual({ kind: 'granted' });
  });
  it('whoever names the token, by which scheme ever it is written', async () => {
    expect(await access({ host: 'celeriac', authorization: `Bearer ${TOKEN}` }, tokenFile)).toEqual({ kind: 'granted' });
    expect(await access({ host: 'celeriac', authorization: `bearer  ${TOKEN}` }, tokenFile)).toEqual({ kind: 'granted' });
  });
  it.each(['Bearer', `Bearer ${TOKEN}x`, `Bearer ${TOKEN.slice(1)}`, `Basic ${TOKEN}`, ''])('not with %j', async (authorization) => {
    expect(await access({ host: 'celeriac', authorization }, tokenFile)).toMatchObject({ kind: 'refused', status: 401 });
  });
  it('not with a wrong token from this machine either', async () => {
    expect(await access({ host: 'localhost', authorization: 'Bearer wrong' }, tokenFile)).toEqual({
      kind: 'refused',
      status: 401,
      text: 'wrong token',
    });
  });
  it('with the new token once it was rotated, and no longer with the old one', async () => {
    const may = await createWriteAccess(tokenFile);
    writeFileSync(tokenFile, 'another-token-of-some-length');
    expect(await asked(may, { headers: { host: 'x', authorization: `Bearer ${TOKEN}` } })).toMatchObject({ kind: 'refused' });
    expect(await asked(may, { headers: { host: 'x', authorization: 'Bearer another-token-of-some-length' } })).toEqual({ kind: 'granted' });
  });
  it.each([
    ['', /at least 16 characters/],
    ['short', /at least 16 characters/],
    ['two words are no token at all', /one word/],
  ])('needs a token worth the name: %j', async (text, message) => {
    writeFileSync(tokenFile, text);
    const refused: unknown = await createWriteAccess(tokenFile).catch((error: unknown) => error);
    expect(isCeleriacError(refused, 'CELERIAC_E_CONFIG') && refused.message).toMatch(message);
    expect(isCeleriacError(refused) && refused.message).not.toContain('two words');
  });
});

describe('an order', () => {
  const json = { 'content-type': 'application/json; charset=utf-8' };
  const read = (body: string, headers: Record<string, string> = json) => asked(readOrder, { headers, body });

  it.each<[string, object]>([
    ['{"pause":"all","by":" jane "}', { pause: 'all', by: 'jane' }],
    ['{"pause":null,"fixed":null,"by":"x"}', { pause: null, fixed: null, by: 'x' }],
    ['{"fixed":0,"by":"x"}', { fixed: 0, by: 'x' }],
  ])('%s is taken', async (body, change) => {
    expect(await read(body)).toEqual({ kind: 'order', change });
  });
  it.each<[string, RegExp]>([
    ['', /not JSON/],
    ['[]', /must be an object/],
    ['null', /must be an object/],
    ['{"by":"x"}', /nothing is ordered/],
    ['{"pause":"al","by":"x"}', /pause must be/],
    ['{"pause":true,"by":"x"}', /pause must be/],
    ['{"fixed":1.5,"by":"x"}', /whole number/],
    ['{"fixed":-1,"by":"x"}', /whole number/],
    ['{"fixed":1e9,"by":"x"}', /whole number/],
    ['{"fixed":"2","by":"x"}', /whole number/],
    ['{"fixed":2}', /by must say/],
    ['{"fixed":2,"by":" "}', /by must say/],
    ['{"fixed":2,"by":"a\\nb"}', /by must say/],
    [`{"fixed":2,"by":"${'x'.repeat(201)}"}`, /by must say/],
    ['{"fixed":2,"by":"x","force":true}', /unknown key "force"/],
    ['{"fixed":2,"by":"x","__proto__":{}}', /unknown key/],
  ])('%s is refused', async (body, text) => {
    expect(await read(body)).toEqual({ kind: 'refused', status: 400, text: expect.stringMatching(text) });
  });
  it('is JSON by its content type, which no form of a foreign page can name', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data']) {
      expect(await read('{"pause":"all","by":"x"}', { 'content-type': type })).toMatchObject({ kind: 'refused', status: 415 });
    }
    expect(await read('{"pause":"all","by":"x"}', {})).toMatchObject({ kind: 'refused', status: 415 });
  });
  it('is short', async () => {
    expect(await read(`{"by":"${'x'.repeat(100_000)}"}`)).toMatchObject({ kind: 'refused', status: 413 });
  });
});
