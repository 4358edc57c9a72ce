import { deflateSync } from 'node:zlib';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../until.ts';
import { type FailureClass, type HostileCase, type HostileEnd, hostileCases, zipBomb } from './hostile-cases.ts';
import { goodBody, goodHeaders, type HostileRig, openHostileRig } from './hostile-rig.ts';

let rig: HostileRig;
let redis: Redis;
beforeAll(async () => {
  rig = await openHostileRig('redis');
  redis = new Redis(rig.broker.broker);
});
afterAll(async () => {
  redis?.disconnect();
  await rig?.stop();
});

/** What kombu would have put into the list, with parts of the envelope replaced, or removed where undefined. */
function element(
  { headers, body = goodBody, contentType, contentEncoding }: Omit<HostileCase, 'row' | 'end'>,
  id: string,
  envelope: Readonly<Record<string, unknown>> = {},
  properties: Readonly<Record<string, unknown>> = {},
): string {
  return JSON.stringify({
    body: Buffer.from(body).toString('base64'),
    'content-encoding': contentEncoding === null ? undefined : (contentEncoding ?? 'utf-8'),
    'content-type': contentType === null ? undefined : (contentType ?? 'application/json'),
    headers: { ...goodHeaders(id), ...headers },
    properties: {
      correlation_id: id,
      delivery_mode: 2,
      delivery_info: { exchange: '', routing_key: 'celery' },
      priority: 0,
      body_encoding: 'base64',
      delivery_tag: id,
      ...properties,
    },
    ...envelope,
  });
}

const put = async (raw: string | Uint8Array): Promise<void> => {
  await redis.lpush('celery', typeof raw === 'string' ? raw : Buffer.from(raw));
};

// Not it.each: the titles that it makes hold the messages.
for (const hostile of hostileCases) it(hostile.row, () => rig.judge(hostile, (one, id) => put(element(one, id))));

const away = (quarantined: string, failure: FailureClass | null = 'InvalidTaskError'): HostileEnd => ({
  quarantined,
  failure,
});
const ENVELOPE = away('CELERIAC_E_ENVELOPE', null);
const HEADERS = away('CELERIAC_E_HEADERS', null);
const BODY_ENCODING = away('CELERIAC_E_BODY_ENCODING');
const RUNS: HostileEnd = { result: 3 };

describe('what only a list element can be', () => {
  const raws: readonly (readonly [string, string | Uint8Array, HostileEnd])[] = [
    ['1 not JSON', 'hello', ENVELOPE],
    ['1 empty', '', ENVELOPE],
    ['1 our own marks without a message', '{"celeriac": [99999999999999999999,-1], ', ENVELOPE],
    ['2 a scalar', '5', ENVELOPE],
    ['3 a list', '[]', ENVELOPE],
    ['4 an empty object', '{}', ENVELOPE],
    ['5 not UTF-8', Uint8Array.of(0x7b, 0xff, 0x7d), ENVELOPE],
    ['5 zero bytes', new Uint8Array(1_000), ENVELOPE],
    ['38 an envelope nested a million deep', '['.repeat(1_000_000), away('CELERIAC_E_TOO_LARGE', null)],
    ['75 an envelope of 64 MiB', 'x'.repeat(64 * 1024 * 1024), away('CELERIAC_E_TOO_LARGE', null)],
  ];
  for (const [row, raw, end] of raws) {
    it(row, async () => {
      await put(raw);
      await rig.good();
      await rig.expectEnd(null, end);
    });
  }

  it.each<[string, Readonly<Record<string, unknown>>, Readonly<Record<string, unknown>>, HostileEnd]>([
    ['6 no properties', { properties: undefined }, {}, RUNS],
    ['7 no delivery tag', {}, { delivery_tag: undefined }, RUNS],
    ['8 no delivery info', {}, { delivery_info: undefined }, RUNS],
    ['9 a delivery tag that is an object', {}, { delivery_tag: {} }, RUNS],
    ['10 a priority that is text', {}, { priority: 'high' }, RUNS],
    ['11 headers null', { headers: null }, {}, HEADERS],
    ['12 headers a list', { headers: [] }, {}, HEADERS],
    ['13 headers a text', { headers: 'x' }, {}, HEADERS],
    ['14 a body that is not base64', { body: '###' }, {}, BODY_ENCODING],
    ['15 a body that is a number', { body: 5 }, {}, BODY_ENCODING],
    ['16 an unknown body encoding', {}, { body_encoding: 'rot13' }, BODY_ENCODING],
    ['17 no body', { body: undefined }, {}, BODY_ENCODING],
    ['42 a content type that is a number', { 'content-type': 5 }, {}, away('CELERIAC_E_CONTENT_TYPE', 'ContentDisallowed')],
    ['44 a content encoding that is a number', { 'content-encoding': 5 }, {}, away('CELERIAC_E_CONTENT_ENCODING')],
    ['67 a reply_to that is an object', {}, { reply_to: {}, correlation_id: [] }, RUNS],
    ['our own marks of the wrong kind', { celeriac: ['x', {}] }, {}, RUNS],
    ['our own marks, saying that it was lost too often', { celeriac: [3, 2 ** 52] }, {}, away('CELERIAC_E_WORKER_LOST', 'WorkerLostError')],
  ])('%s', async (_row, envelope, properties, end) => {
    const id = rig.id();
    await put(element({}, id, envelope, properties));
    await rig.good();
    await rig.expectEnd('failure' in end && end.failure === null ? null : id, end);
  });

  it('29 __proto__ in the envelope, its headers and properties', async () => {
    const id = rig.id();
    const inner = '"__proto__": {"polluted": 1, "headers": {"task": "tasks.fail"}}, "constructor": {"prototype": {"polluted": 1}}';
    const raw = element({ headers: { task: 'hostile.probe' }, body: new TextEncoder().encode('[[], {}, {}]') }, id)
      .replace(/^\{/, `{${inner}, `)
      .replace('"headers":{', `"headers":{${inner}, `)
      .replace('"properties":{', `"properties":{${inner}, `);
    await put(raw);
    await rig.good();
    await rig.expectEnd(id, { result: { clean: true, names: [], headers: ['__proto__', 'constructor'] } });
  });

  it('51 an id of 1 MB, 68 an argsrepr of 5 MB', async () => {
    await put(element({ headers: { id: 'x'.repeat(1_000_000) } }, 'nobody'));
    const id = rig.id();
    await put(element({ headers: { argsrepr: 'x'.repeat(5_000_000) } }, id));
    await rig.good();
    await rig.expectEnd(null, away('CELERIAC_E_TASK_ID', null));
    await rig.expectEnd(id, RUNS);
  });

  it('47 six bombs of 1.5 MiB that are 1.5 GiB', { timeout: 120_000 }, async () => {
    const headers = { compression: 'application/x-gzip' };
    const bomb = zipBomb(96, ' ');
    const ids = Array.from({ length: 6 }, () => rig.id());
    for (const id of ids) await put(element({ headers, body: bomb }, id));
    await rig.good();
    for (const id of ids) await rig.expectEnd(id, away('CELERIAC_E_TOO_LARGE'));
    expect(rig.peakRssMib()).toBeLessThan(512);
  });

  it('75 eight million values in 24 kB are no trouble to anybody but the child that reads them', { timeout: 60_000 }, async () => {
    const headers = { compression: 'application/x-gzip' };
    const body = deflateSync(`[[${'{},'.repeat(8_000_000)}{}], {}, {}]`);
    const id = rig.id();
    await put(element({ headers, body }, id));
    await rig.good();
    await rig.expectEnd(id, { failure: 'TypeError' });
    expect(rig.peakRssMib()).toBeLessThan(512);
    // protocol 1 has to be read whole by the parent, and so may not be as large
    const old = rig.id();
    const fields = `"task": "tasks.add", "id": "${old}", "kwargs": {}`;
    await put(
      element(
        {
          headers: { ...headers, task: undefined, id: undefined },
          body: deflateSync(`{${fields}, "args": [${'{},'.repeat(8_000_000)}{}]}`),
        },
        old,
      ),
    );
    await rig.good();
    await rig.expectEnd(null, away('CELERIAC_E_TOO_LARGE', null));
  });

  it('59 an eta of the year 9999 is put away until then', async () => {
    const id = rig.id();
    await put(element({ headers: { eta: '9999-12-31T23:59:59.999999+00:00' } }, id));
    await rig.good();
    await until(async () => (await redis.zcard('celeriac.due')) === 1, { what: 'the parked message' });
    await until(async () => (await redis.hlen('unacked')) === 1, { what: 'the parked message alone' });
  });

  it('78 a queue whose key is no list concerns no other queue, and works when it is one', async () => {
    await redis.set('other', 'x');
    await rig.good();
    await redis.del('other');
    const id = await rig.send('tasks.add', [1, 1], { queue: 'other' });
    expect(await rig.result(id)).toMatchObject({ result: 2 });
  });
});

it('afterwards every message is in one place, and the worker is the one that was started', async () => {
  await rig.good();
  const entries = await rig.expectQuarantine();
  expect(entries.length).toBeGreaterThan(60);
  expect(await redis.llen('celery')).toBe(0);
  await until(async () => (await redis.hlen('unacked')) === 1, { what: 'nothing unacknowledged but the eta of the year 9999' });
  const claims = await redis.keys('celeriac.claims.*');
  expect(claims).toEqual([]);
  expect(rig.worker.child.exitCode).toBeNull();
  expect(rig.worker.output()).not.toMatch(/hello|not json|x{100}/);
  expect(rig.peakRssMib()).toBeLessThan(512);
});
