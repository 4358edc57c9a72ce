import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { encode, RespConnection } from '../../../../test/conformance/resp-connection.ts';
import { createEmbeddedBroker } from '../../src/index.ts';

let folder: string;
let dbFile: string;
const children: ChildProcess[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'celeriac-embedded-'));
  dbFile = join(folder, 'work.db');
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

async function serve(
  rewriteAboveBytes = 1_000_000,
  prefix: readonly string[] = [],
): Promise<{ connection: RespConnection; kill: () => Promise<void> }> {
  const args = ['--conditions=@celeriac/source', join(import.meta.dirname, 'serve.ts'), dbFile, String(rewriteAboveBytes)];
  const [program, ...words] = [...prefix, process.execPath, ...args];
  const child = spawn(program!, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const connection = await RespConnection.open(Number(String(line)));
  const kill = async (): Promise<void> => {
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
    await connection.end();
  };
  return { connection, kill };
}

test('after kill -9 every answered write is there: queued work, unacked, results, times', async () => {
  const first = await serve();
  const { connection } = first;
  const script =
    "local m = redis.call('RPOP', KEYS[1], 2) for i, v in ipairs(m) do redis.call('HSET', KEYS[2], v, v) redis.call('ZADD', KEYS[3], i, v) end return #m";
  for (let index = 0; index < 1_000; index += 1) connection.send('LPUSH', 'celery', `message ${index} \0\xff`);
  for (let index = 0; index < 1_000; index += 1) await connection.next();
  expect(await connection.call('EVAL', script, '3', 'celery', 'unacked', 'unacked_index')).toBe(2);
  expect(await connection.call('BRPOP', 'celery', '1')).toEqual(['celery', 'message 2 \0\xff']);
  await connection.call('SELECT', '5');
  await connection.call('SETEX', 'celery-task-meta-1', '1000', '{"status": "SUCCESS"}');
  await connection.call('SADD', '_kombu.binding.celery', 'a', 'b');
  await connection.call('SPOP', '_kombu.binding.celery');
  await connection.call('SET', 'gone', 'v', 'PX', '1');
  await connection.call('INCRBYFLOAT', 'float', '0.1');
  await connection.call('MULTI');
  await connection.call('RPUSH', 'tx', '1');
  await connection.call('RPUSH', 'tx', '2');
  await connection.call('EXEC');
  await first.kill();

  const second = await serve();
  expect(await second.connection.call('LLEN', 'celery')).toBe(997);
  expect(await second.connection.call('LRANGE', 'celery', '-1', '-1')).toEqual(['message 3 \0\xff']);
  expect(await second.connection.call('HLEN', 'unacked')).toBe(2);
  expect(await second.connection.call('ZRANGE', 'unacked_index', '0', '-1', 'WITHSCORES')).toEqual([
    'message 0 \0\xff',
    '1',
    'message 1 \0\xff',
    '2',
  ]);
  await second.connection.call('SELECT', '5');
  expect(await second.connection.call('GET', 'celery-task-meta-1')).toBe('{"status": "SUCCESS"}');
  expect(Number(await second.connection.call('TTL', 'celery-task-meta-1'))).toBeGreaterThan(800);
  expect(await second.connection.call('SCARD', '_kombu.binding.celery')).toBe(1);
  expect(await second.connection.call('EXISTS', 'gone')).toBe(0);
  expect(await second.connection.call('GET', 'float')).toBe('0.1');
  expect(await second.connection.call('LRANGE', 'tx', '0', '-1')).toEqual(['1', '2']);
  await second.kill();
});

test('a message given to a waiting peer is gone from the log as well', async () => {
  const first = await serve();
  const waiting = await RespConnection.open(first.connection.socket.remotePort!);
  const id = Number(await waiting.call('CLIENT', 'ID'));
  waiting.send('BRPOP', 'q', '0');
  while (!String(await first.connection.call('CLIENT', 'LIST', 'ID', String(id))).includes('flags=b')) await new Promise(setImmediate);
  await first.connection.call('LPUSH', 'q', 'one', 'two');
  expect(await waiting.next()).toEqual(['q', 'one']);
  await waiting.end();
  await first.kill();
  const second = await serve();
  expect(await second.connection.call('LRANGE', 'q', '0', '-1')).toEqual(['two']);
  await second.kill();
});

test('the log is rewritten when it has grown, and stays the truth', async () => {
  const first = await serve(100_000);
  for (let round = 0; round < 20; round += 1) {
    const words = Array.from({ length: 200 }, (_, index) => `${round}-${index}-${'x'.repeat(50)}`);
    await first.connection.call('LPUSH', 'q', ...words);
    await first.connection.call('RPOP', 'q', '190');
    await first.connection.call('ZADD', 'z', String(round), `member${round}`);
    await first.connection.call('HSET', 'h', 'round', String(round));
    await first.connection.call('SET', 't', 'v', 'EX', '1000');
  }
  const before = [
    await first.connection.call('LRANGE', 'q', '0', '-1'),
    await first.connection.call('ZRANGE', 'z', '0', '-1', 'WITHSCORES'),
  ];
  await first.kill();
  expect(statSync(dbFile).size).toBeLessThan(20 * 200 * 60);
  const second = await serve(100_000);
  const after = [
    await second.connection.call('LRANGE', 'q', '0', '-1'),
    await second.connection.call('ZRANGE', 'z', '0', '-1', 'WITHSCORES'),
  ];
  expect(after).toEqual(before);
  expect(await second.connection.call('HGET', 'h', 'round')).toBe('19');
  expect(Number(await second.connection.call('TTL', 't'))).toBeGreaterThan(800);
  await second.kill();
});

test('BGREWRITEAOF inside a transaction does not repeat it', async () => {
  const first = await serve();
  await first.connection.call('MULTI');
  await first.connection.call('RPUSH', 'l', '1');
  await first.connection.call('BGREWRITEAOF');
  await first.connection.call('RPUSH', 'l', '2');
  expect(await first.connection.call('EXEC')).toEqual([1, expect.stringMatching(/rewriting started/), 2]);
  await first.connection.call('RPUSH', 'l', '3');
  await first.kill();
  const second = await serve();
  expect(await second.connection.call('LRANGE', 'l', '0', '-1')).toEqual(['1', '2', '3']);
  await second.kill();
});

test('when the file cannot grow writes are refused, reads work, and the file stays whole', async () => {
  const first = await serve(1_000_000, ['sh', '-c', 'ulimit -f 64; exec "$0" "$@"']);
  let answered = 0;
  for (;;) {
    const reply = await first.connection.call('RPUSH', 'l', `${answered}-${'x'.repeat(1_000)}`);
    if (typeof reply !== 'number') {
      expect(reply).toMatchObject({ error: expect.stringMatching(/^MISCONF .*EFBIG/) });
      break;
    }
    answered = reply;
  }
  expect(await first.connection.call('LLEN', 'l')).toBe(answered);
  await first.kill();
  const second = await serve();
  // the last one answered was in the memory of the killed process only: its write is the one that failed
  expect(await second.connection.call('LLEN', 'l')).toBe(answered - 1);
  await second.kill();
});

test('a write that was cut off is dropped whole, and what follows is appended behind the whole part', async () => {
  const broker = await createEmbeddedBroker({ dbFile });
  const connection = await RespConnection.open(broker.port);
  await connection.call('SET', 'kept', '1');
  await connection.call('MULTI');
  await connection.call('SET', 'half', '1');
  await connection.call('SET', 'other', '1');
  await connection.call('EXEC');
  await connection.end();
  await broker.stop();
  truncateSync(dbFile, readFileSync(dbFile).length - encode(['EXEC']).length - 3);

  const second = await createEmbeddedBroker({ dbFile });
  const again = await RespConnection.open(second.port);
  expect(await again.call('MGET', 'kept', 'half', 'other')).toEqual(['1', null, null]);
  await again.call('SET', 'later', '2');
  await again.end();
  await second.stop();

  const third = await createEmbeddedBroker({ dbFile });
  const last = await RespConnection.open(third.port);
  expect(await last.call('MGET', 'kept', 'half', 'later')).toEqual(['1', null, '2']);
  await last.end();
  await third.stop();
});

test('a file that is something else is refused and left as it is', async () => {
  appendFileSync(dbFile, encode(['NOSUCH', 'command']));
  await expect(createEmbeddedBroker({ dbFile })).rejects.toThrow(/cannot be replayed/);
  expect(readFileSync(dbFile, 'latin1')).toBe(encode(['NOSUCH', 'command']));
});
