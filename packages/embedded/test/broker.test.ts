import { once } from 'node:events';
import { afterEach, describe, expect, test } from 'vitest';
import { encode, RespConnection } from '../../../test/conformance/resp-connection.ts';
import { until } from '../../../test/until.ts';
import { type BrokerEvent, createEmbeddedBroker, type EmbeddedBroker, type EmbeddedBrokerOptions } from '../src/index.ts';

let broker: EmbeddedBroker;
let events: BrokerEvent[] = [];
const open: RespConnection[] = [];

async function start(options: EmbeddedBrokerOptions = {}): Promise<void> {
  events = [];
  broker = await createEmbeddedBroker({ onEvent: (event) => events.push(event), ...options });
}
async function connect(): Promise<RespConnection> {
  const connection = await RespConnection.open(broker.port);
  open.push(connection);
  return connection;
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((connection) => connection.end()));
  await broker?.stop();
});

test('only the loopback address', async () => {
  await expect(createEmbeddedBroker({ host: '0.0.0.0' as '127.0.0.1' })).rejects.toThrow(/127\.0\.0\.1 only/);
  await start();
  expect(broker.url).toBe(`redis://127.0.0.1:${broker.port}/0`);
});

test('stop closes connections that wait, and can be called again', async () => {
  await start();
  const waiting = await connect();
  waiting.send('BRPOP', 'q', '0');
  await (await connect()).call('PING');
  const closed = waiting.closed();
  await broker.stop();
  await closed;
  await broker.stop();
});

test('a port that is taken is an error of the start', async () => {
  await start();
  await expect(createEmbeddedBroker({ port: broker.port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
});

describe('memory cap', () => {
  test('writes are refused with -OOM, reads and deletes work, and writes again afterwards', async () => {
    await start({ maxMemoryBytes: 1_000_000 });
    const connection = await connect();
    let pushed = 0;
    for (;;) {
      const reply = await connection.call('LPUSH', 'q', 'x'.repeat(10_000));
      if (typeof reply !== 'number') {
        expect(reply).toEqual({ error: "OOM command not allowed when used memory > 'maxmemory'." });
        break;
      }
      pushed = reply;
    }
    expect(pushed).toBeGreaterThan(90);
    expect(pushed).toBeLessThan(101);
    expect(await connection.call('EVAL', "return redis.call('SET', 'k', 'v')", '0')).toMatchObject({
      error: expect.stringMatching(/^OOM/),
    });
    expect(await connection.call('LLEN', 'q')).toBe(pushed);
    expect(((await connection.call('BRPOP', 'q', '1')) as string[])[0]).toBe('q');
    await connection.call('RPOP', 'q', '10');
    expect(await connection.call('SET', 'k', 'v')).toBe('OK');
    expect(await connection.call('DEL', 'q', 'k')).toBe(2);
    expect(/^used_memory:(\d+)/m.exec(String(await connection.call('INFO', 'memory')))?.[1]).toBe('0');
  });
});

describe('slow subscribers', () => {
  test('one that does not read is disconnected, others go on', async () => {
    await start({ limits: { subscriberHardBytes: 1_000_000, subscriberSoftBytes: 500_000 } });
    const [slow, quick, publisher] = [await connect(), await connect(), await connect()];
    await slow.call('SUBSCRIBE', 'c');
    await quick.call('SUBSCRIBE', 'c');
    slow.socket.pause();
    const message = 'x'.repeat(100_000);
    let subscribers = 2;
    for (let index = 0; index < 1_000 && subscribers === 2; index += 1) {
      subscribers = Number(await publisher.call('PUBLISH', 'c', message));
      expect(await quick.next()).toEqual(['message', 'c', message]);
    }
    expect(subscribers).toBe(1);
    expect(events).toContainEqual(expect.objectContaining({ type: 'slow-subscriber' }));
  });

  test('one that asks and does not read is not read from either, and loses nothing', async () => {
    await start({ limits: { pauseAboveBytes: 200_000 } });
    const connection = await connect();
    await connection.call('SET', 'k', 'x'.repeat(100_000));
    connection.socket.pause();
    connection.write(encode(['GET', 'k']).repeat(300));
    const other = await connect();
    await other.call('PING');
    connection.socket.resume();
    for (let index = 0; index < 300; index += 1) expect(await connection.next()).toHaveLength(100_000);
  });
});

test('requests behind a waiting one are bounded', async () => {
  await start({ limits: { maxPipelined: 100 } });
  const connection = await connect();
  connection.write(encode(['BRPOP', 'q', '0']) + encode(['PING']).repeat(101));
  await connection.closed();
  const other = await connect();
  await until(async () => String(await other.call('INFO', 'clients')).includes('blocked_clients:0'));
});

test('an endless script is stopped and the broker goes on', async () => {
  await start();
  const connection = await connect();
  expect(await connection.call('EVAL', 'while true do end', '0')).toMatchObject({ error: expect.stringMatching(/fuel limit/) });
  expect(await connection.call('EVAL', 'local t = {} while true do t[#t + 1] = string.rep("x", 100000) .. #t end', '0')).toMatchObject({
    error: expect.stringMatching(/memory|fuel/),
  });
  expect(await connection.call('EVAL', 'local function f() return f() + 1 end return f()', '0')).toMatchObject({
    error: expect.stringMatching(/overflow|deep/),
  });
  expect(await connection.call('EVAL', 'return {#ARGV[1], ARGV[1]}', '0', 'x'.repeat(20_000_000))).toEqual([
    20_000_000,
    'x'.repeat(20_000_000),
  ]);
  expect(await connection.call('EVAL', 'return 7', '0')).toBe(7);
}, 300_000);

const departures: Readonly<Record<string, (waiting: RespConnection) => Promise<unknown>>> = {
  destroy: async (waiting) => {
    waiting.socket.destroy();
    await once(waiting.socket, 'close');
  },
  'half-close': async (waiting) => {
    waiting.socket.end();
    await once(waiting.socket, 'finish');
  },
  RST: async (waiting) => {
    waiting.socket.resetAndDestroy();
    await once(waiting.socket, 'close');
  },
};

test.each(Object.entries(departures))(
  'a message pushed right after a waiting peer has gone stays, in its place: %s, 20 times',
  async (_how, depart) => {
    await start();
    const producer = await connect();
    for (let round = 0; round < 20; round += 1) {
      const waiting = await connect();
      waiting.send('BRPOP', 'q', '0');
      await until(async () => String(await producer.call('INFO', 'clients')).includes('blocked_clients:1'), { everyMs: 1 });
      await depart(waiting);
      await producer.call('RPUSH', 'q', 'first', 'second');
      await until(async () => String(await producer.call('INFO', 'clients')).includes('connected_clients:1\r'), { everyMs: 1 });
      expect(await producer.call('LRANGE', 'q', '0', '-1')).toEqual(['first', 'second']);
      await producer.call('DEL', 'q');
    }
  },
);

test('what goes back goes to the next who waits', async () => {
  await start();
  const producer = await connect();
  for (let round = 0; round < 20; round += 1) {
    const [leaving, staying] = [await connect(), await connect()];
    leaving.send('BRPOP', 'q', '0');
    await until(async () => String(await producer.call('INFO', 'clients')).includes('blocked_clients:1'), { everyMs: 1 });
    staying.send('BRPOP', 'q', '0');
    await until(async () => String(await producer.call('INFO', 'clients')).includes('blocked_clients:2'), { everyMs: 1 });
    leaving.socket.resetAndDestroy();
    await once(leaving.socket, 'close');
    producer.send('LPUSH', 'q', `m${round}`);
    expect(await staying.next()).toEqual(['q', `m${round}`]);
    await producer.next();
    await staying.end();
  }
});
