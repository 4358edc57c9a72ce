// What decides whether a Redis-protocol server is a broker: the same tests on a real redis-server and on ours.

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { letTimePass, until } from '../until.ts';
import { type RedisRig, redisRigs } from './redis-rigs.ts';
import { encode, type RespConnection, type RespValue } from './resp-connection.ts';

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

  const info = async (connection: RespConnection, field: string): Promise<string> => {
    const text = String(await connection.call('INFO'));
    return new RegExp(`^${field}:(.*)\r$`, 'm').exec(text)?.[1] ?? '';
  };
  const blocked = async (connection: RespConnection, count: number): Promise<void> => {
    await until(async () => (await info(connection, 'blocked_clients')) === String(count), {
      what: `${count} blocked clients`,
      everyMs: 2,
    });
  };

  describe('waiting pops', () => {
    const departures = {
      destroy: (waiting: RespConnection) => waiting.socket.destroy(),
      'half-close': (waiting: RespConnection) => waiting.socket.end(),
      RST: (waiting: RespConnection) => waiting.socket.resetAndDestroy(),
    };

    test.each(Object.keys(departures) as (keyof typeof departures)[])(
      'no message is handed to a peer that is gone: %s, 20 times',
      async (how) => {
        const producer = await rig.connect();
        for (let round = 0; round < 20; round += 1) {
          const waiting = await rig.connect();
          waiting.send('BRPOP', 'queue', '0');
          await blocked(producer, 1);
          departures[how](waiting);
          if (how === 'half-close') await waiting.closed();
          else await until(() => waiting.socket.closed, { everyMs: 1 });
          // a server cannot know before it has seen it; ours is tested without this wait in packages/embedded
          await blocked(producer, 0);
          await producer.call('LPUSH', 'queue', `m${round}`);
          expect(await producer.call('RPOP', 'queue')).toBe(`m${round}`);
        }
      },
    );

    test('waiters of a key are served in the order in which they came', async () => {
      const producer = await rig.connect();
      const waiting: RespConnection[] = [];
      for (let index = 0; index < 8; index += 1) {
        const connection = await rig.connect();
        connection.send('BRPOP', 'a', 'b', '0');
        waiting.push(connection);
        await blocked(producer, index + 1);
      }
      for (let index = 0; index < 8; index += 1) await producer.call('LPUSH', index % 2 === 0 ? 'a' : 'b', index);
      const replies = await Promise.all(waiting.map((connection) => connection.next()));
      expect(replies).toEqual([0, 1, 2, 3, 4, 5, 6, 7].map((index) => [index % 2 === 0 ? 'a' : 'b', String(index)]));
    });

    test('the first key in the order of the arguments wins; 40 keys', async () => {
      const connection = await rig.connect();
      const keys = Array.from({ length: 40 }, (_, index) => `k${index}`);
      await connection.call('LPUSH', 'k31', 'late');
      await connection.call('LPUSH', 'k7', 'early');
      expect(await connection.call('BRPOP', ...keys, '1')).toEqual(['k7', 'early']);
      expect(await connection.call('BRPOP', ...keys, '1')).toEqual(['k31', 'late']);
    });

    test('a timeout in parts of a second ends the wait with nil and the connection goes on', async () => {
      const connection = await rig.connect();
      connection.write(encode(['BRPOP', 'none', '0.05']) + encode(['PING']));
      expect(await connection.next()).toBeNull();
      expect(await connection.next()).toBe('PONG');
    });

    test('a transaction wakes its waiters when it is over, and not in between', async () => {
      const producer = await rig.connect();
      const waiting = await rig.connect();
      waiting.send('BRPOP', 'q', '0');
      await blocked(producer, 1);
      await producer.call('MULTI');
      await producer.call('LPUSH', 'q', 'x');
      await producer.call('LLEN', 'q');
      await producer.call('RPUSH', 'q', 'y');
      expect(await producer.call('EXEC')).toEqual([1, 1, 2]);
      expect(await waiting.next()).toEqual(['q', 'y']);
      expect(await producer.call('LRANGE', 'q', '0', '-1')).toEqual(['x']);
    });

    test('a script wakes its waiters when it is over', async () => {
      const producer = await rig.connect();
      const waiting = await rig.connect();
      waiting.send('BLPOP', 'q', '0');
      await blocked(producer, 1);
      const script =
        "redis.call('RPUSH', KEYS[1], 'x') local n = redis.call('LLEN', KEYS[1]) redis.call('LPUSH', KEYS[1], 'first') return n";
      expect(await producer.call('EVAL', script, '1', 'q')).toBe(1);
      expect(await waiting.next()).toEqual(['q', 'first']);
    });

    test('a pop inside a transaction does not wait', async () => {
      const connection = await rig.connect();
      await connection.call('MULTI');
      await connection.call('BRPOP', 'none', '0');
      expect(await connection.call('EXEC')).toEqual([null]);
    });

    test('other blocking commands: BLMOVE, BLMPOP, BZPOPMIN', async () => {
      const producer = await rig.connect();
      const [move, many, lowest] = [await rig.connect(), await rig.connect(), await rig.connect()];
      move.send('BLMOVE', 'from', 'to', 'RIGHT', 'LEFT', '0');
      many.send('BLMPOP', '0', '2', 'la', 'lb', 'LEFT', 'COUNT', '2');
      lowest.send('BZPOPMIN', 'z', '0');
      await blocked(producer, 3);
      await producer.call('LPUSH', 'from', 'v');
      await producer.call('RPUSH', 'lb', '1', '2', '3');
      await producer.call('ZADD', 'z', '5', 'five', '2', 'two');
      expect(await move.next()).toBe('v');
      expect(await many.next()).toEqual(['lb', ['1', '2']]);
      expect(await lowest.next()).toEqual(['z', 'two', '2']);
      expect(await producer.call('LRANGE', 'to', '0', '-1')).toEqual(['v']);
    });

    test('CLIENT UNBLOCK ends a wait', async () => {
      const other = await rig.connect();
      const waiting = await rig.connect();
      const id = Number(await waiting.call('CLIENT', 'ID'));
      waiting.send('BRPOP', 'q', '0');
      await blocked(other, 1);
      expect(await other.call('CLIENT', 'UNBLOCK', id)).toBe(1);
      expect(await waiting.next()).toBeNull();
      waiting.send('BRPOP', 'q', '0');
      await blocked(other, 1);
      expect(await other.call('CLIENT', 'UNBLOCK', id, 'ERROR')).toBe(1);
      expect(await waiting.next()).toMatchObject({ error: expect.stringMatching(/^UNBLOCKED/) });
      expect(await other.call('CLIENT', 'UNBLOCK', id)).toBe(0);
    });

    test('200 waiting connections all get one message', async () => {
      const producer = await rig.connect();
      const waiting = await Promise.all(Array.from({ length: 200 }, () => rig.connect()));
      for (const connection of waiting) connection.send('BRPOP', 'q', '0');
      await blocked(producer, 200);
      await producer.call('LPUSH', 'q', ...Array.from({ length: 200 }, (_, index) => index));
      const got = await Promise.all(waiting.map((connection) => connection.next()));
      expect(new Set(got.map((reply) => (reply as string[])[1])).size).toBe(200);
    });
  });

  describe('transactions', () => {
    test('EXEC is refused when a watched key was changed by another connection, by a script and by itself', async () => {
      const [mine, other] = [await rig.connect(), await rig.connect()];
      const changes = [
        () => other.call('SET', 'k', '2'),
        () => other.call('EVAL', "return redis.call('SET', KEYS[1], '3')", '1', 'k'),
        () => mine.call('APPEND', 'k', '4'),
        () => other.call('FLUSHDB'),
      ];
      for (const change of changes) {
        await mine.call('SET', 'k', '1');
        await mine.call('WATCH', 'k');
        await change();
        await mine.call('MULTI');
        await mine.call('GET', 'k');
        expect(await mine.call('EXEC')).toBeNull();
      }
      await mine.call('WATCH', 'k');
      await other.call('GET', 'k');
      await mine.call('MULTI');
      expect(await mine.call('EXEC')).toEqual([]);
    });

    test('EXEC is refused when a watched key has expired meanwhile', async () => {
      const connection = await rig.connect();
      let livesMs = 30;
      for (; ; livesMs *= 4) {
        await connection.call('SET', 'k', 'v', 'PX', livesMs);
        await connection.call('WATCH', 'k');
        // what has expired before it is watched does not count as changed: where that took too long it lives longer
        if ((await connection.call('EXISTS', 'k')) === 1) break;
        await connection.call('UNWATCH');
      }
      await connection.call('MULTI');
      await connection.call('PING');
      await letTimePass(2 * livesMs, 'the key expires');
      expect(await connection.call('EXEC')).toBeNull();
    });

    test('a command that cannot be queued aborts the whole', async () => {
      const connection = await rig.connect();
      await connection.call('MULTI');
      await connection.call('SET', 'k', '1');
      expect(await connection.call('GET')).toMatchObject({ error: expect.stringMatching(/^ERR wrong number/) });
      expect(await connection.call('EXEC')).toMatchObject({ error: expect.stringMatching(/^EXECABORT/) });
      expect(await connection.call('EXISTS', 'k')).toBe(0);
    });

    test('a command that fails while it runs does not undo the others', async () => {
      const connection = await rig.connect();
      await connection.call('MULTI');
      await connection.call('SET', 'k', 'text');
      await connection.call('INCR', 'k');
      await connection.call('SET', 'l', '2');
      const replies = (await connection.call('EXEC')) as RespValue[];
      expect(replies[0]).toBe('OK');
      expect(replies[1]).toMatchObject({ error: expect.stringMatching(/^ERR value is not an integer/) });
      expect(replies[2]).toBe('OK');
    });

    test('one of 10,000 commands in one write', async () => {
      const connection = await rig.connect();
      connection.write(`${encode(['MULTI'])}${encode(['INCR', 'n']).repeat(10_000)}${encode(['EXEC'])}`);
      for (let index = 0; index < 10_001; index += 1) await connection.next();
      expect((await connection.next()) as RespValue[]).toHaveLength(10_000);
      expect(await connection.call('GET', 'n')).toBe('10000');
    });
  });

  describe('expiry', () => {
    test('in milliseconds: seen by a look at the key, and collected without one', async () => {
      const connection = await rig.connect();
      await connection.call('SET', 'seen', 'v', 'PX', '40');
      await connection.call('PSETEX', 'unseen', '40', 'v');
      await connection.call('SET', 'stays', 'v');
      await until(async () => (await connection.call('GET', 'seen')) === null, { everyMs: 2 });
      await until(async () => (await connection.call('DBSIZE')) === 1, { what: 'the unseen key to be collected', everyMs: 5 });
      expect(await connection.call('TTL', 'stays')).toBe(-1);
      expect(await connection.call('TTL', 'seen')).toBe(-2);
      await connection.call('SET', 'lives', 'v', 'PX', '60000');
      expect(Number(await connection.call('PTTL', 'lives'))).toBeGreaterThan(0);
      expect(await connection.call('GET', 'lives')).toBe('v');
    });

    test('a key keeps its time through INCR and APPEND, loses it by SET', async () => {
      const connection = await rig.connect();
      const endsAtMs = async (): Promise<number> => Number(await connection.call('PEXPIRETIME', 'k'));
      const beforeMs = Date.now();
      await connection.call('SET', 'k', '1', 'EX', '100');
      const first = await endsAtMs();
      expect(first).toBeGreaterThanOrEqual(beforeMs + 100_000);
      expect(first).toBeLessThanOrEqual(Date.now() + 100_000);
      await connection.call('INCR', 'k');
      await connection.call('APPEND', 'k', '0');
      expect(await endsAtMs()).toBe(first);
      expect(await connection.call('EXPIRE', 'k', '50', 'GT')).toBe(0);
      expect(await endsAtMs()).toBe(first);
      expect(await connection.call('EXPIRE', 'k', '200', 'GT')).toBe(1);
      const second = await endsAtMs();
      expect(second).toBeGreaterThanOrEqual(first + 100_000);
      await connection.call('SET', 'k', '1', 'KEEPTTL');
      expect(await endsAtMs()).toBe(second);
      await connection.call('SET', 'k', '1');
      expect(await connection.call('TTL', 'k')).toBe(-1);
    });
  });

  describe('databases', () => {
    test('sixteen, each with its own keys; channels are shared', async () => {
      const [a, b] = [await rig.connect(), await rig.connect()];
      expect(await a.call('SELECT', '15')).toBe('OK');
      await a.call('SET', 'k', 'fifteen');
      expect(await b.call('GET', 'k')).toBeNull();
      expect(await a.call('SELECT', '16')).toMatchObject({ error: 'ERR DB index is out of range' });
      await a.call('SUBSCRIBE', 'c');
      expect(await b.call('PUBLISH', 'c', 'm')).toBe(1);
      expect(await a.next()).toEqual(['message', 'c', 'm']);
    });
  });
});
