import { type ConfirmChannel, connect, type Options } from 'amqplib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startRabbitmq, type Vhost } from '../brokers/rabbitmq.ts';
import { until } from '../until.ts';
import { type HostileCase, type HostileEnd, hostileCases, zipBomb } from './hostile-cases.ts';
import { goodBody, goodHeaders, type HostileRig, openHostileRig } from './hostile-rig.ts';
import { type RawProperties, rawPublish } from './raw-publish.ts';

const FULL_FRAME = 'a frame full of headers that is refused';

let rig: HostileRig;
let fullFrameId: string;
let connection: Awaited<ReturnType<typeof connect>>;
let channel: ConfirmChannel;
beforeAll(async () => {
  rig = await openHostileRig('rabbitmq');
  connection = await connect(`${rig.broker.broker}?frameMax=131072`);
  channel = await connection.createConfirmChannel();
});
afterAll(async () => {
  await connection?.close();
  await rig?.stop();
});

/** One raw basic.publish, confirmed. */
function put(headers: Readonly<Record<string, unknown>>, body: Uint8Array = goodBody, options: Options.Publish = {}): Promise<void> {
  return new Promise((resolve, reject) => {
    const properties = { contentType: 'application/json', contentEncoding: 'utf-8', ...options, headers };
    channel.publish('', 'celery', Buffer.from(body), properties, (error: Error | null) => (error === null ? resolve() : reject(error)));
  });
}

const putCase = ({ headers, body, contentType, contentEncoding }: HostileCase, id: string): Promise<void> =>
  put({ ...goodHeaders(id), ...headers }, body, {
    correlationId: id,
    ...(contentType === undefined ? {} : { contentType: contentType ?? undefined }),
    ...(contentEncoding === undefined ? {} : { contentEncoding: contentEncoding ?? undefined }),
  });

// Not it.each: the titles that it makes hold the messages.
for (const hostile of hostileCases) it(hostile.row, () => rig.judge(hostile, putCase));

const RUNS: HostileEnd = { result: 3 };
const HEADERS: HostileEnd = { quarantined: 'CELERIAC_E_HEADERS', failure: 'InvalidTaskError' };
const FIELD: HostileEnd = { quarantined: 'CELERIAC_E_REQUEST_FIELD', failure: 'InvalidTaskError' };
const NO_ID: HostileEnd = { quarantined: 'CELERIAC_E_TASK_ID', failure: null };

const nested = (levels: number): object => {
  let table: object = {};
  for (let level = 0; level < levels; level += 1) table = { t: table };
  return table;
};
const lists = (levels: number): unknown[] => {
  let list: unknown[] = [];
  for (let level = 0; level < levels; level += 1) list = [list];
  return list;
};
const timestamp = (seconds: number): object => ({ '!': 'timestamp', value: seconds });

describe('what only a header table can be', () => {
  const rows: readonly (readonly [row: string, headers: Readonly<Record<string, unknown>>, end: HostileEnd, options?: Options.Publish])[] =
    [
      ['69 tables nested 1,000 deep', { x: nested(1_000) }, HEADERS],
      ['69 lists nested 1,000 deep', { x: lists(1_000) }, HEADERS],
      ['69 tables nested 400 deep', { x: nested(400) }, RUNS],
      [
        '69 void, decimal, bytes, list and a timestamp beyond 2^53',
        {
          ...{ a: null, b: { '!': 'decimal', value: { places: 2, digits: 1250 } }, c: Buffer.from([255, 0]), d: [1, null, [true]] },
          ...{ e: timestamp(2 ** 60), f: timestamp(2 ** 62) },
        },
        RUNS,
      ],
      ['69 the same in a message that is refused', { x: timestamp(2 ** 63), y: timestamp(2 ** 60), retries: 'many' }, FIELD],
      ['69 fields that are tables, bytes and times', { eta: timestamp(1), task: 'tasks.add', argsrepr: Buffer.alloc(9) }, FIELD],
      ['69 an id that is bytes', { id: Buffer.from('abc') }, NO_ID],
      [
        'properties as long as can be',
        { retries: 'many' },
        FIELD,
        { messageId: 'm'.repeat(255), type: 't'.repeat(255), appId: 'a'.repeat(255) },
      ],
      ['a timestamp property beyond 2^63', { retries: 'many' }, FIELD, { timestamp: 2 ** 63 + 2 ** 12 }],
      ['a reply_to that leads nowhere', {}, RUNS, { replyTo: 'no-such-queue' }],
    ];
  for (const [row, headers, end, options] of rows) {
    it(row, async () => {
      const id = rig.id();
      await put({ ...goodHeaders(id), ...headers }, goodBody, { correlationId: id, ...options });
      await rig.good();
      await rig.expectEnd(id, end);
    });
  }

  const bytes = (value: string): Buffer => Buffer.from(value);
  const junk = (length: number): Buffer => Buffer.alloc(length, 0xff);
  const raw: readonly (readonly [row: string, properties: Partial<RawProperties>, end: HostileEnd, retries?: string])[] = [
    ['a frame full of headers', { headers: [[bytes('x'), Buffer.alloc(130_900, 'x')]] }, RUNS, ''],
    [FULL_FRAME, { headers: [[bytes('x'), Buffer.alloc(130_900, 'x')]] }, FIELD],
    ['headers that are not UTF-8', { headers: [[junk(255), junk(3)]] }, FIELD],
    ['headers that are not UTF-8 and would grow', { headers: [[bytes('x'), junk(60_000)]] }, FIELD],
    ['a correlation id that is not UTF-8', { correlationId: junk(255) }, FIELD],
    [
      'a content type that is not UTF-8',
      { contentType: junk(255) },
      { quarantined: 'CELERIAC_E_CONTENT_TYPE', failure: 'ContentDisallowed' },
    ],
    ['a timestamp property of 64 bits', { timestamp: 2n ** 64n - 1n }, FIELD],
  ];
  for (const [row, properties, end, retries = 'many'] of raw) {
    it(row, async () => {
      const id = rig.id();
      if (row === FULL_FRAME) fullFrameId = id;
      const own = [['task', 'tasks.add'], ['id', id], ...(retries === '' ? [] : [['retries', retries]])] as [string, string][];
      const headers = [...own.map(([name, text]) => [bytes(name), bytes(text)] as const), ...(properties.headers ?? [])];
      rawPublish(channel, 'celery', { ...properties, headers }, goodBody);
      await put(goodHeaders(rig.id())); // confirmed: what was sent before has arrived
      await rig.good();
      await rig.expectEnd(id, end);
    });
  }

  it('12 no headers at all', async () => {
    await new Promise<void>((resolve) => {
      channel.publish('', 'celery', Buffer.from(goodBody), { contentType: 'application/json', contentEncoding: 'utf-8' }, () => resolve());
    });
    await rig.good();
    await rig.expectEnd(null, { quarantined: 'CELERIAC_E_TASK_NAME', failure: null });
  });

  it('29 __proto__ in the headers', async () => {
    const id = rig.id();
    const polluting = JSON.parse('{"__proto__": {"polluted": 1}, "constructor": {"prototype": {"polluted": 1}}}') as object;
    const headers = Object.assign(Object.create(null) as object, goodHeaders(id), { task: 'hostile.probe' });
    for (const [name, value] of Object.entries(polluting)) Object.defineProperty(headers, name, { value, enumerable: true });
    await put(headers, new TextEncoder().encode('[[], {}, {}]'));
    await rig.good();
    await rig.expectEnd(id, { result: { clean: true, names: [], headers: ['__proto__', 'constructor'] } });
  });
});

it('47 six bombs of 1.5 MiB that are 1.5 GiB', { timeout: 120_000 }, async () => {
  const bomb = zipBomb(96, ' ');
  const ids = Array.from({ length: 6 }, () => rig.id());
  for (const id of ids) await put({ ...goodHeaders(id), compression: 'application/x-gzip' }, bomb);
  await rig.good();
  for (const id of ids) await rig.expectEnd(id, { quarantined: 'CELERIAC_E_TOO_LARGE', failure: 'InvalidTaskError' });
  expect(rig.peakRssMib()).toBeLessThan(512);
});

it('70 a body of 64 MiB', async () => {
  const id = rig.id();
  await put(goodHeaders(id), new Uint8Array(64 * 1024 * 1024));
  await rig.good();
  await rig.expectEnd(id, { quarantined: 'CELERIAC_E_TOO_LARGE', failure: 'InvalidTaskError' });
});

it('59 an eta of the year 9999 is put away, and keeps nobody', async () => {
  const id = rig.id();
  await put({ ...goodHeaders(id), eta: '9999-12-31T23:59:59.999999+00:00' });
  await rig.good();
});

it('afterwards every message is in one place, and the worker is the one that was started', async () => {
  await rig.good();
  const entries = await rig.expectQuarantine();
  expect(entries.length).toBeGreaterThan(50);
  const large = entries.find(({ sizeBytes }) => sizeBytes === 64 * 1024 * 1024);
  const full = entries.find(({ taskId }) => taskId === fullFrameId);
  expect(large).toBeDefined();
  expect(full).toBeDefined();
  await expect(rig.transport.quarantine.retry('celery', String(large?.key))).rejects.toThrow('without its body');
  await expect(rig.transport.quarantine.retry('celery', String(full?.key))).rejects.toThrow('without its headers');
  expect(await rig.transport.quarantine.drop('celery', String(full?.key))).toBe(true);
  const rabbitmq = await startRabbitmq();
  const vhost: Vhost = { name: new URL(rig.broker.broker).pathname.slice(1), url: rig.broker.broker };
  await until(
    async () => (await rabbitmq.queues(vhost)).every(({ name, ready, unacked }) => unacked === 0 && (ready === 0 || name !== 'celery')),
    {
      what: 'a queue with nothing ready and nothing unacknowledged',
      everyMs: 200,
    },
  );
  expect(rig.worker.child.exitCode).toBeNull();
  expect(rig.peakRssMib()).toBeLessThan(512);
});
