import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { silentLogger } from '@celeriac/brokers';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { decide } from '../../src/decide/decide.ts';
import { initialPoolState } from '../../src/decide/state.ts';
import { streamJournal } from '../../src/http/journal-stream.ts';
import { createJournal, type Journal } from '../../src/journal/journal.ts';
import { NOW, seen, spec } from '../pool-fixtures.ts';

let journal: Journal;
let server: Server;
let url: string;
const readers: ReadableStreamDefaultReader<string>[] = [];

beforeEach(async () => {
  journal = createJournal({ kept: 4, logger: silentLogger });
  server = createServer((request, response) => {
    const pool = new URL(request.url ?? '/', 'http://x').searchParams.get('pool');
    streamJournal(request, response, { journal, pool, heartbeatMs: 50 });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});
afterEach(async () => {
  await Promise.all(readers.splice(0).map((reader) => reader.cancel().catch(() => undefined)));
  server.closeAllConnections();
  server.close();
  await journal.close();
});

const state = initialPoolState(NOW);
const decision = decide(NOW, spec(), seen(0), state);
function write(pool = 'a'): void {
  journal.write({ type: 'decision', pool, atMs: NOW, spec: spec(), seen: seen(0), state, decision });
}

/** Reads a stream up to a text that is awaited; hands back all of it so far. */
async function openStream(
  options: { readonly lastId?: string; readonly query?: string } = {},
): Promise<(text: string | RegExp) => Promise<string>> {
  const headers = options.lastId === undefined ? {} : { 'last-event-id': options.lastId };
  const response = await fetch(`${url}${options.query ?? ''}`, { headers });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (reader === undefined) throw new Error('no stream');
  readers.push(reader);
  let all = '';
  const upTo = async (text: string | RegExp): Promise<string> => {
    while (all.search(text) < 0) {
      const { value, done } = await reader.read();
      if (done) throw new Error(`ended: ${all}`);
      all += value;
    }
    return all;
  };
  await upTo(': journal');
  return upTo;
}
const ids = (text: string): readonly string[] => [...text.matchAll(/^id: [0-9a-z]+-(\d+)$/gm)].map((match) => match[1] ?? '');

it('tells what is written from now on, of one pool or of all', async () => {
  write();
  const [all, one] = [await openStream(), await openStream({ query: '?pool=b' })];
  write('a');
  write('b');
  expect(ids(await all(/-3\n.*\n.*\n\n/))).toEqual(['2', '3']);
  const text = await one(/-3\n.*\n.*\n\n/);
  expect(ids(text)).toEqual(['3']);
  expect(text).toMatch(/^event: decision\ndata: \{"v":2,"seq":3,/m);
});

it('tells whoever comes back what it missed', async () => {
  for (let index = 0; index < 3; index += 1) write();
  expect(ids(await (await openStream({ lastId: `${journal.life}-1` }))(/-3\n/))).toEqual(['2', '3']);
});

it('says what it missed that is no longer there', async () => {
  // Twice as many as are kept at least are in memory at most.
  for (let index = 0; index < 20; index += 1) write();
  const first = journal.since(0)[0]?.seq ?? 0;
  expect(first).toBeGreaterThan(10);
  const text = await (await openStream({ lastId: `${journal.life}-2` }))(/-20\n/);
  expect(text).toContain(`event: gap\ndata: {"from":3,"to":${first - 1}}`);
  expect(ids(text)).toEqual([first - 1, ...Array.from({ length: 21 - first }, (_, index) => first + index)].map(String));
});

it('begins anew for whoever read another life of it, or says nothing that can be read', async () => {
  write();
  write();
  expect(ids(await (await openStream({ lastId: 'deadbeef-7' }))(/-2\n/))).toEqual(['1', '2']);
  const upTo = await openStream({ lastId: 'nonsense' });
  write();
  expect(ids(await upTo(/-3\n/))).toEqual(['3']);
});

it('believes nobody who has read more than there is', async () => {
  write();
  const upTo = await openStream({ lastId: `${journal.life}-99` });
  write();
  expect(ids(await upTo(/-2\n/))).toEqual(['2']);
});

it('says that it is alive while nothing happens', async () => {
  expect(await (await openStream())(/: alive\n\n(.|\n)*: alive/)).toContain(': alive');
});
