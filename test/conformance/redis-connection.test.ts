// Bytes, pub/sub, scripts and client tracking: the same tests on a real redis-server and on ours.

import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { staysPending, until } from '../until.ts';
import { type RedisRig, redisRigs } from './redis-rigs.ts';
import { encode, type RespValue } from './resp-connection.ts';

describe.each(redisRigs)('%s', (_name, open) => {
  let rig: RedisRig;
  beforeAll(async () => {
    rig = await open();
  });
  afterEach(async () => {
    await rig.clean();
  });
  afterAll(async () => {
    await rig?.stop();
  });

  describe('bytes', () => {
    test('a request may arrive byte by byte, and many in one piece', async () => {
      const connection = await rig.connect();
      for (const byte of encode(['SET', 'k\0\xff\r\n', 'v\r\n$3\r\n'])) {
        connection.write(byte);
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect(await connection.next()).toBe('OK');
      expect(await connection.call('GET', 'k\0\xff\r\n')).toBe('v\r\n$3\r\n');
      connection.chunks = 0;
      connection.write(encode(['PING']).repeat(200));
      for (let index = 0; index < 200; index += 1) expect(await connection.next()).toBe('PONG');
      expect(connection.chunks).toBeLessThanOrEqual(3);
    });

    test('a pipeline of 10,000', async () => {
      const connection = await rig.connect();
      connection.write(Array.from({ length: 10_000 }, (_, index) => encode(['RPUSH', 'l', index])).join(''));
      for (let index = 1; index <= 10_000; index += 1) expect(await connection.next()).toBe(index);
    });

    test('a value of 10 MB through SET, GET, LPUSH and BRPOP', async () => {
      const connection = await rig.connect();
      const big = 'x'.repeat(10 * 1024 * 1024);
      expect(await connection.call('SET', 'k', big)).toBe('OK');
      expect(await connection.call('STRLEN', 'k')).toBe(big.length);
      await connection.call('LPUSH', 'l', big);
      expect(((await connection.call('BRPOP', 'l', '1')) as string[])[1]?.length).toBe(big.length);
    });

    test('inline requests', async () => {
      const connection = await rig.connect();
      connection.write('\r\nset  k "a\\x41 \\n"\r\nGET k\r\n');
      expect(await connection.next()).toBe('OK');
      expect(await connection.next()).toBe('aA \n');
    });

    test.each([
      ['*1\r\n$999999999999\r\n', /^ERR Protocol error: invalid bulk length/],
      ['*1\r\n$536870913\r\n', /^ERR Protocol error: invalid bulk length/],
      ['*1\r\n$-5\r\n', /^ERR Protocol error: invalid bulk length/],
      ['*9999999999\r\n', /^ERR Protocol error: invalid multibulk length/],
      ['*1\r\n+PING\r\n', /^ERR Protocol error: expected '\$', got '\+'/],
      ['*abc\r\n', /^ERR Protocol error: invalid multibulk length/],
      ['set k "open\r\n', /^ERR Protocol error: unbalanced quotes/],
      ['x'.repeat(70_000), /^ERR Protocol error: too big inline request/],
    ])('refuses %j, closes that connection and lives', async (bytes, error) => {
      const connection = await rig.connect();
      connection.write(bytes);
      expect(await connection.next()).toMatchObject({ error: expect.stringMatching(error) });
      await connection.closed();
      expect(await (await rig.connect()).call('PING')).toBe('PONG');
    });

    test('unknown commands and wrong numbers of words are answered', async () => {
      const connection = await rig.connect();
      expect(await connection.call('NOSUCH', 'a')).toMatchObject({ error: expect.stringMatching(/^ERR unknown command 'NOSUCH'/) });
      expect(await connection.call('GET', 'a', 'b')).toMatchObject({ error: "ERR wrong number of arguments for 'get' command" });
    });
  });

  describe('pub/sub', () => {
    test('channels and patterns, in order, with counts', async () => {
      const [subscriber, publisher] = [await rig.connect(), await rig.connect()];
      expect(await subscriber.call('SUBSCRIBE', 'a')).toEqual(['subscribe', 'a', 1]);
      expect(await subscriber.call('PSUBSCRIBE', '/0.celeryev/worker.*')).toEqual(['psubscribe', '/0.celeryev/worker.*', 2]);
      expect(await publisher.call('PUBLISH', '/0.celeryev/worker.heartbeat', 'beat')).toBe(1);
      expect(await publisher.call('PUBLISH', 'a', 'one')).toBe(1);
      expect(await publisher.call('PUBLISH', 'b', 'none')).toBe(0);
      expect(await subscriber.next()).toEqual(['pmessage', '/0.celeryev/worker.*', '/0.celeryev/worker.heartbeat', 'beat']);
      expect(await subscriber.next()).toEqual(['message', 'a', 'one']);
      expect(await publisher.call('PUBSUB', 'CHANNELS')).toEqual(['a']);
      expect(await publisher.call('PUBSUB', 'NUMSUB', 'a', 'b')).toEqual(['a', 1, 'b', 0]);
      expect(await publisher.call('PUBSUB', 'NUMPAT')).toBe(1);
    });

    test('a subscribed connection may only subscribe, ping and quit (RESP2)', async () => {
      const connection = await rig.connect();
      await connection.call('SUBSCRIBE', 'a');
      expect(await connection.call('GET', 'k')).toMatchObject({ error: expect.stringMatching(/^ERR Can't execute 'get'/) });
      expect(await connection.call('PING')).toEqual(['pong', '']);
      expect(await connection.call('PUNSUBSCRIBE')).toEqual(['punsubscribe', null, 1]);
      expect(await connection.call('UNSUBSCRIBE')).toEqual(['unsubscribe', 'a', 0]);
      expect(await connection.call('GET', 'k')).toBeNull();
    });

    test('subscribe, unsubscribe and what follows in one write', async () => {
      const connection = await rig.connect();
      connection.write(encode(['SUBSCRIBE', 'a', 'b']) + encode(['UNSUBSCRIBE']) + encode(['GET', 'k']));
      expect(await connection.next()).toEqual(['subscribe', 'a', 1]);
      expect(await connection.next()).toEqual(['subscribe', 'b', 2]);
      const left = [await connection.next(), await connection.next()] as RespValue[][];
      expect(left.map((reply) => [reply[0], reply[2]])).toEqual([
        ['unsubscribe', 1],
        ['unsubscribe', 0],
      ]);
      expect(await connection.next()).toBeNull();
    });

    test('RESP3: messages are pushes and commands still work', async () => {
      const [subscriber, publisher] = [await rig.connect(), await rig.connect()];
      expect(((await subscriber.call('HELLO', '3')) as Map<string, unknown>).get('proto')).toBe(3);
      expect(await subscriber.call('SUBSCRIBE', 'a')).toEqual({ push: ['subscribe', 'a', 1] });
      expect(await subscriber.call('GET', 'k')).toBeNull();
      await publisher.call('PUBLISH', 'a', 'm');
      expect(await subscriber.next()).toEqual({ push: ['message', 'a', 'm'] });
    });

    test('RESP3: maps, sets, doubles and nested scores', async () => {
      const connection = await rig.connect();
      await connection.call('HELLO', '3');
      await connection.call('HSET', 'h', 'f', 'v');
      await connection.call('SADD', 's', 'm');
      await connection.call('ZADD', 'z', '1.5', 'a', '2', 'b');
      expect(await connection.call('HGETALL', 'h')).toEqual(new Map([['f', 'v']]));
      expect(await connection.call('SMEMBERS', 's')).toEqual(new Set(['m']));
      expect(await connection.call('ZSCORE', 'z', 'a')).toBe(1.5);
      expect(await connection.call('ZRANGE', 'z', '5', '0', 'BYSCORE', 'REV', 'LIMIT', '0', '5', 'WITHSCORES')).toEqual([
        ['b', 2],
        ['a', 1.5],
      ]);
      expect(await connection.call('BRPOP', 'none', '0.01')).toBeNull();
    });
  });

  describe('scripts', () => {
    test('EVALSHA answers NOSCRIPT, SCRIPT LOAD answers the SHA-1, SCRIPT EXISTS knows it', async () => {
      const connection = await rig.connect();
      const script = "return {KEYS[1], ARGV[1], redis.call('SET', KEYS[1], ARGV[1])}";
      const sha = createHash('sha1').update(script).digest('hex');
      expect(await connection.call('EVALSHA', sha, '1', 'k', 'v')).toMatchObject({ error: expect.stringMatching(/^NOSCRIPT/) });
      expect(await connection.call('SCRIPT', 'LOAD', script)).toBe(sha);
      expect(await connection.call('SCRIPT', 'EXISTS', sha, '0'.repeat(40))).toEqual([1, 0]);
      expect(await connection.call('EVALSHA', sha.toUpperCase(), '1', 'k', 'v')).toEqual(['k', 'v', 'OK']);
      await connection.call('SCRIPT', 'FLUSH');
      expect(await connection.call('EVALSHA', sha, '1', 'k', 'v')).toMatchObject({ error: expect.stringMatching(/^NOSCRIPT/) });
    });

    test.each<[string, RespValue]>([
      ['return 3.99', 3],
      ["return {1, 'two', false, 4}", [1, 'two', null, 4]],
      ['return {1, nil, 3}', [1]],
      ['return true', 1],
      ["return redis.status_reply('FINE')", 'FINE'],
      ["return redis.error_reply('MY error')", { error: 'MY error' }],
      ['return 1, 2', 1],
      ['return #KEYS + #ARGV', 2],
      ['return cjson.encode({a = {1, 2}})', '{"a":[1,2]}'],
      ["return cmsgpack.unpack(cmsgpack.pack('x'))", 'x'],
      ["return struct.unpack('>I2', struct.pack('>I2', 258))", 258],
      ['return bit.band(7, 12)', 4],
      ["return redis.sha1hex('')", 'da39a3ee5e6b4b0d3255bfef95601890afd80709'],
      ["local e = redis.pcall('INCR', 'a', 'b') return e.err ~= nil", 1],
      ["return redis.call('GET', 'missing') == false", 1],
      ["return type(redis.call('TIME')[1])", 'string'],
      ["#!lua flags=no-writes\nreturn 'shebang'", 'shebang'],
      ["local t = {} for i = 1, 3 do t[#t + 1] = redis.call('RPUSH', 'l', i) end return t", [1, 2, 3]],
      ["redis.call('RPUSH', 'm', 'a', 'b', 'c') return redis.call('RPOP', 'm', 2)", ['c', 'b']],
      ["return tostring(redis.call('ZADD', 'zz', 1.5, 'm')) .. redis.call('ZSCORE', 'zz', 'm')", '11.5'],
    ])('%s', async (script, expected) => {
      expect(await (await rig.connect()).call('EVAL', script, '1', 'k', 'v')).toEqual(expected);
    });

    test.each<[string, RegExp]>([
      ['return nosuch', /^ERR user_script:1: Script attempted to access nonexistent global variable 'nosuch'/],
      ['x = 1', /^ERR .*Attempt to modify a readonly table/],
      ["redis.call('SET', 'k', 'v')\nreturn redis.call('LPUSH', 'k', 'v')", /^WRONGTYPE .* on @user_script:2\.$/],
      ['return (', /^ERR Error compiling script \(new function\): user_script:1:/],
      ["return redis.call('SUBSCRIBE', 'a')", /^ERR This Redis command is not allowed from script/],
      ['return redis.call({})', /^ERR Lua redis lib command arguments must be strings or integers/],
      ['error("mine")', /^ERR user_script:1: mine/],
    ])('%j fails and says why', async (script, error) => {
      expect(await (await rig.connect()).call('EVAL', script, '0')).toMatchObject({ error: expect.stringMatching(error) });
    });

    test('7,000 arguments, binary ones too', async () => {
      const connection = await rig.connect();
      const args = Array.from({ length: 7_000 }, (_, index) => `\0\xff${index}`);
      expect(await connection.call('EVAL', 'return {#ARGV, ARGV[7000]}', '0', ...args)).toEqual([7_000, '\0\xff6999']);
    });

    test('a transaction with EVALSHA, as kombu sends it', async () => {
      const connection = await rig.connect();
      const sha = String(
        await connection.call('SCRIPT', 'LOAD', "redis.call('ZADD', KEYS[1], 'GT', ARGV[1], 'm') return redis.call('ZCARD', KEYS[1])"),
      );
      connection.write(encode(['SCRIPT', 'EXISTS', sha]) + encode(['MULTI']) + encode(['EVALSHA', sha, '1', 'z', '5']) + encode(['EXEC']));
      expect([await connection.next(), await connection.next(), await connection.next()]).toEqual([[1], 'OK', 'QUEUED']);
      expect(await connection.next()).toEqual([1]);
    });
  });

  describe('client tracking', () => {
    const readers: readonly (readonly [string, readonly string[]])[] = [
      ['a command', ['LLEN', 'queue']],
      ['a script', ['EVAL', "return redis.call('LLEN', KEYS[1])", '1', 'queue']],
      ['a transaction', []],
    ];

    test.each(readers)('RESP2 with REDIRECT, read by %s: one message per change until read again', async (_how, words) => {
      const [listener, reader, writer] = [await rig.connect(), await rig.connect(), await rig.connect()];
      const id = Number(await listener.call('CLIENT', 'ID'));
      await listener.call('SUBSCRIBE', '__redis__:invalidate');
      expect(await reader.call('CLIENT', 'TRACKING', 'ON', 'REDIRECT', id)).toBe('OK');
      const read = async (): Promise<void> => {
        if (words.length > 0) await reader.call(...words);
        else {
          await reader.call('MULTI');
          await reader.call('LLEN', 'queue');
          await reader.call('EXEC');
        }
      };
      for (let round = 0; round < 3; round += 1) {
        await read();
        await writer.call('LPUSH', 'queue', 'x');
        await writer.call('LPUSH', 'queue', 'y');
        expect(await listener.next()).toEqual(['message', '__redis__:invalidate', ['queue']]);
      }
      await writer.call('LPUSH', 'queue', 'z');
      expect(await staysPending(listener.next(), 50)).toBe(true);
    });

    test('RESP3: a push on the own connection, by another, by expiry and by FLUSHALL', async () => {
      const [reader, writer] = [await rig.connect(), await rig.connect()];
      await reader.call('HELLO', '3');
      expect(await reader.call('CLIENT', 'TRACKING', 'ON')).toBe('OK');
      await reader.call('GET', 'k');
      // it has to be read while it lives: where that took too long it lives longer
      for (let livesMs = 20, value: RespValue = null; value === null; livesMs *= 4) {
        await writer.call('SET', 'k', '1', 'PX', livesMs);
        expect(await reader.next()).toEqual({ push: ['invalidate', ['k']] });
        value = await reader.call('GET', 'k');
      }
      await until(async () => (await writer.call('EXISTS', 'k')) === 0, { everyMs: 2 });
      expect(await reader.next()).toEqual({ push: ['invalidate', ['k']] });
      await reader.call('GET', 'k');
      await writer.call('FLUSHALL');
      expect(await reader.next()).toEqual({ push: ['invalidate', null] });
    });

    test('BCAST with a prefix tells of keys that were never read', async () => {
      const [listener, writer] = [await rig.connect(), await rig.connect()];
      await listener.call('HELLO', '3');
      await listener.call('CLIENT', 'TRACKING', 'ON', 'BCAST', 'PREFIX', 'q:');
      await writer.call('SET', 'other', '1');
      await writer.call('SET', 'q:1', '1');
      expect(await listener.next()).toEqual({ push: ['invalidate', ['q:1']] });
    });

    test('OFF ends it', async () => {
      const [reader, writer] = [await rig.connect(), await rig.connect()];
      await reader.call('HELLO', '3');
      await reader.call('CLIENT', 'TRACKING', 'ON');
      await reader.call('GET', 'k');
      await reader.call('CLIENT', 'TRACKING', 'OFF');
      await writer.call('SET', 'k', '1');
      expect(await staysPending(reader.next(), 50)).toBe(true);
    });
  });

  test('what a redis-py 8 connection says first is answered', async () => {
    const connection = await rig.connect();
    await connection.call('HELLO', '3');
    expect(await connection.call('CLIENT', 'MAINT_NOTIFICATIONS', 'ON', 'moving-endpoint-type', 'none')).toMatchObject({
      error: expect.stringMatching(/^ERR/),
    });
    const setInfo = await connection.call('CLIENT', 'SETINFO', 'LIB-NAME', 'redis-py');
    expect(setInfo === 'OK' || (setInfo as { error: string }).error.startsWith('ERR')).toBe(true);
    expect(await connection.call('CLIENT', 'SETNAME', 'me')).toBe('OK');
    expect(await connection.call('CLIENT', 'GETNAME')).toBe('me');
    expect(await connection.call('CONFIG', 'GET', 'maxmemory-policy')).toEqual(new Map([['maxmemory-policy', 'noeviction']]));
  });
});
