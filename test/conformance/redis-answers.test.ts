// The same words to a real redis-server and to ours: the answers must be the same, byte for byte.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RedisRig, redisRigs } from './redis-rigs.ts';
import { encode, type RespConnection } from './resp-connection.ts';

const scenarios: Readonly<Record<string, string>> = {
  strings: `
    SET k v | GET k | SET k w NX | SET n v XX | SET k w XX GET | SET k x GET EX 100 | TTL k | GETSET k y | TTL k | STRLEN k | APPEND k zz | APPEND new a
    GETRANGE k 0 -1 | GETRANGE k -2 -1 | GETRANGE k 5 2 | SETRANGE k 1 QQ | SETRANGE pad 3 x | GET pad | GETDEL k | GETDEL k | SETNX k 1 | SETNX k 2
    MSET a 1 b 2 | MGET a b c | MSETNX a 9 z 9 | MSETNX y 1 z 2 | MSET a | INCR cnt | INCRBY cnt 41 | DECR cnt | DECRBY cnt 2 | INCR k | INCRBY k x | INCR pad
    SET big 9223372036854775807 | INCR big | DECR big | INCRBYFLOAT f 1.5 | INCRBYFLOAT f -0.25 | INCRBYFLOAT pad 1 | SET k v EX 0 | SET k v PX -1 | SET k v EX abc
    SET k v EX 10 PX 10 | SET k v FOO | SETEX k 0 v | SETEX k 10 v | PSETEX k 0 v | GETEX k PERSIST | TTL k | GETEX k EX 5 | GETEX k FOO 1 | SET k v KEEPTTL | TTL k`,
  keys: `
    SET a 1 | RPUSH l 1 | SADD s 1 | ZADD z 1 m | HSET h f v | TYPE a | TYPE l | TYPE s | TYPE z | TYPE h | TYPE none | EXISTS a l none a | DEL a none | UNLINK l
    EXPIRE s 100 | EXPIRE none 10 | EXPIRE s 50 GT | EXPIRE s 50 LT | EXPIRE s 10 NX | EXPIRE z 10 XX | EXPIRE z 10 GT | EXPIRE z 10 NX GT | EXPIRE z 10 FOO | EXPIRE z x
    EXPIRE z -1 | EXISTS z | PERSIST s | PERSIST s | TTL s | RENAME h h2 | HGET h2 f | RENAME none x | RENAMENX h2 s | DBSIZE | PEXPIREAT h2 9999999999999 | EXPIRETIME h2
    PEXPIRETIME h2 | SCAN 0 COUNT 100 MATCH nothing* | SCAN abc | OBJECT REFCOUNT h2 | GET s | LPUSH s 1 | KEYS h? | KEYS [a-h]2 | KEYS h\\2 | TOUCH h2 none`,
  lists: `
    RPUSH l a b c d e f | LPUSH l z | LLEN l | LRANGE l 0 -1 | LRANGE l 2 3 | LRANGE l -3 -2 | LRANGE l 5 1 | LRANGE l -100 100 | LINDEX l 0 | LINDEX l -1 | LINDEX l 99
    LSET l 1 A | LSET l 99 x | LSET none 0 x | LPOP l | RPOP l | LPOP l 2 | RPOP l 0 | LPOP none | LPOP none 2 | RPOP l 100 | EXISTS l | LPUSHX l x | RPUSHX l x
    RPUSH l x y x y x | LREM l 2 x | LRANGE l 0 -1 | LREM l -1 y | LREM l 0 q | LRANGE l 0 -1 | LINSERT l BEFORE y new | LINSERT l AFTER x end | LINSERT l BEFORE none q
    LINSERT l FOO y q | LRANGE l 0 -1 | LTRIM l 1 2 | LRANGE l 0 -1 | LTRIM l 5 9 | EXISTS l | RPUSH m 1 2 3 | LMOVE m n LEFT RIGHT | RPOPLPUSH m n | LRANGE n 0 -1
    LMOVE m m RIGHT LEFT | LMOVE none n LEFT LEFT | LMPOP 2 none n LEFT COUNT 5 | LMPOP 1 none LEFT | LMPOP 0 n LEFT | LPOS m 2 | LPUSH m | RPOP m -1 | SET s 1 | LPUSH s 1 | BRPOP m x
    BRPOP m -1 | BLPOP m 0 | LREM none 0 x`,
  hashes: `
    HSET h a 1 b 2 | HSET h a 9 c 3 | HSET h odd | HGET h a | HGET h none | HMGET h a none c | HMGET none a | HLEN h | HEXISTS h a | HEXISTS h q | HGETALL h | HKEYS h | HVALS h
    HSETNX h a 5 | HSETNX h d 5 | HDEL h a none | HINCRBY h b 5 | HINCRBY h new -2 | HINCRBY h b x | HSET h t text | HINCRBY h t 1 | HINCRBYFLOAT h b 0.5 | HSTRLEN h t
    HMSET h x 1 y 2 | HSCAN h 0 | HSCAN none 0 | HDEL h b c d new t x y | EXISTS h | HGETALL h | SET s 1 | HSET s a 1 | HGET s a`,
  sets: `
    SADD s a | SADD s a b | SCARD s | SISMEMBER s a | SISMEMBER s q | SMISMEMBER s a q | SREM s a none | SMEMBERS s | SMEMBERS none | SMOVE s t b | SMOVE s t q | EXISTS s | SMEMBERS t
    SADD p 1 | SADD q 1 | SINTER p q | SINTER p none | SUNION p none | SDIFF p q | SPOP none | SPOP p | EXISTS p | SRANDMEMBER none | SRANDMEMBER q | SRANDMEMBER q 5 | SRANDMEMBER q -2 | SSCAN q 0 | SADD q`,
  zsets: `
    ZADD z 1 a 2 b 3 c | ZADD z 5 a | ZADD z NX 9 a 4 d | ZADD z XX 7 a 8 e | ZADD z GT 6 a 9 b | ZADD z LT CH 1 b 99 c | ZADD z CH 1 b 7 c | ZADD z INCR 2 b | ZADD z NX INCR 2 b | ZADD z NX XX 1 a
    ZADD z GT LT 1 a | ZADD z x a | ZADD z 1 | ZADD z 1 a 2 | ZADD none XX 1 a | EXISTS none | ZRANGE z 0 -1 WITHSCORES | ZRANGE z 0 -1 REV | ZRANGE z -2 -1 | ZRANGE z 5 1
    ZRANGE z 10 0 BYSCORE REV LIMIT 0 2 WITHSCORES | ZRANGE z (3 inf BYSCORE | ZRANGE z -inf (7 BYSCORE LIMIT 1 1 | ZRANGE z 0 -1 LIMIT 0 1 | ZRANGE z 5 0 BYSCORE LIMIT 1 -1 REV | ZRANGE z a b BYSCORE
    ZRANGEBYSCORE z 3 7 WITHSCORES | ZRANGEBYSCORE z 3 7 LIMIT 1 1 | ZREVRANGEBYSCORE z 7 3 LIMIT 0 10 WITHSCORES | ZREVRANGEBYSCORE z +inf -inf | ZREVRANGE z 0 1 WITHSCORES | ZCOUNT z (3 7 | ZCOUNT z -inf +inf
    ZCOUNT none 0 1 | ZSCORE z a | ZSCORE z none | ZSCORE none a | ZMSCORE z a none | ZRANK z b | ZREVRANK z b | ZRANK z none | ZCARD z | ZINCRBY z 1.5 a | ZREM z a none | ZPOPMIN z | ZPOPMAX z 2
    ZPOPMIN none | ZADD l 0 a 0 b 0 c 0 d | ZRANGEBYLEX l [b + | ZRANGEBYLEX l - (c LIMIT 1 1 | ZRANGE l [d [b BYLEX REV | ZLEXCOUNT l - + | ZRANGEBYLEX l b c | ZREMRANGEBYLEX l [a (b | ZREMRANGEBYRANK l 0 0
    ZREMRANGEBYSCORE l (0 1 | ZREMRANGEBYSCORE l 0 0 | EXISTS l | ZADD i inf a -inf b | ZRANGE i 0 -1 WITHSCORES | ZINCRBY i -inf a | ZADD big 1795258312 m | ZSCORE big m | ZMPOP 1 big MIN | ZREM i a | ZSCAN i 0 | SET s 1 | ZADD s 1 a`,
  connection: `
    PING | PING hello | ECHO x | SELECT 1 | SELECT x | SELECT -1 | AUTH secret | AUTH nobody secret | AUTH default any | CLIENT GETNAME | CLIENT SETNAME me | CLIENT GETNAME | CLIENT SETNAME a\\ b | CLIENT NOSUCH
    HELLO 9 | HELLO x | CONFIG GET maxmemory-policy | CONFIG GET nothing | TYPE | EXEC | DISCARD | MULTI | MULTI | WATCH a | DISCARD | UNWATCH | MULTI | NOSUCH | EXEC | CLIENT TRACKING MAYBE
    CLIENT TRACKING ON REDIRECT 99999 | CLIENT GETREDIR | CLIENT CACHING yes | WAIT 0 0 | ROLE | CLIENT UNBLOCK 99999 | PUBLISH c m | PUBSUB CHANNELS | PUBSUB NUMSUB a | SCRIPT EXISTS a | EVALSHA a 0
    EVAL x -1 | EVAL x 5 a | EVAL x a | COMMAND COUNT x | QUIT`,
};
const differs: Readonly<Record<string, string>> = {
  'COMMAND COUNT x': 'we have fewer commands',
  'CLIENT NOSUCH': 'Redis names the subcommand differently',
};

let rigs: RedisRig[];
beforeAll(async () => {
  rigs = await Promise.all(redisRigs.map(([, open]) => open()));
});
afterAll(async () => {
  await Promise.all(rigs.map((rig) => rig.stop()));
});

async function answer(connection: RespConnection, words: readonly string[]): Promise<string> {
  connection.raw = '';
  connection.write(encode(words));
  await connection.next();
  return connection.raw;
}

/** What is left of a life differs by the time that has passed between the two servers' answers, and by no more. */
function differsByTime(line: string, expected: string, actual: string, passedMs: number): boolean {
  const [theirs, ours] = [expected, actual].map((reply) => (/^:\d+\r\n$/.test(reply) ? Number(reply.slice(1)) : Number.NaN)) as [
    number,
    number,
  ];
  return line.startsWith('TTL ') && Math.abs(theirs - ours) <= Math.round(passedMs / 1000);
}

test.each(Object.entries(scenarios))('%s', async (_name, text) => {
  const differences: string[] = [];
  const lines = text.split(/[|\n]/).map((line) => line.trim());
  for (const version of ['2', '3']) {
    for (const rig of rigs) await rig.clean();
    const [real, ours] = await Promise.all(rigs.map((rig) => rig.connect()));
    if (version === '3') await Promise.all([real!.call('HELLO', '3'), ours!.call('HELLO', '3')]);
    const startedAtMs = performance.now();
    for (const line of lines.filter((each) => each !== '' && !(each in differs))) {
      const words = line.split(/(?<!\\) +/).map((word) => word.replaceAll('\\ ', ' '));
      const [expected, actual] = await Promise.all([answer(real!, words), answer(ours!, words)]);
      if (actual !== expected && !differsByTime(line, expected, actual, performance.now() - startedAtMs))
        differences.push(`RESP${version} ${line}: ours ${JSON.stringify(actual)}, redis ${JSON.stringify(expected)}`);
    }
  }
  expect(differences).toEqual([]);
});
