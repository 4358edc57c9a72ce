// 100,000 waiting messages must cost no more per operation than 100.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { encode, RespConnection } from '../../../test/conformance/resp-connection.ts';
import { createEmbeddedBroker, type EmbeddedBroker } from '../src/index.ts';

let broker: EmbeddedBroker;
let connection: RespConnection;
beforeAll(async () => {
  broker = await createEmbeddedBroker();
  connection = await RespConnection.open(broker.port);
});
afterAll(async () => {
  await connection.end();
  await broker.stop();
});

const PAIRS = 2_000;
const message = 'm'.repeat(800);

/** Milliseconds for many pairs of operations that leave the size as it is. */
async function timePairs(pair: (index: number) => string): Promise<number> {
  const startedMs = performance.now();
  let request = '';
  for (let index = 0; index < PAIRS; index += 1) request += pair(index);
  connection.write(request);
  for (let index = 0; index < PAIRS * 2; index += 1) await connection.next();
  return performance.now() - startedMs;
}

async function fill(count: number, line: (index: number) => string[]): Promise<void> {
  await connection.call('FLUSHALL');
  for (let start = 0; start < count; start += 5_000) {
    const size = Math.min(5_000, count - start);
    connection.write(Array.from({ length: size }, (_, index) => encode(line(start + index))).join(''));
    for (let index = 0; index < size; index += 1) await connection.next();
  }
}

const kinds: Readonly<Record<string, { line: (index: number) => string[]; pair: (index: number) => string }>> = {
  'LPUSH and BRPOP': {
    line: () => ['LPUSH', 'q', message],
    pair: () => encode(['LPUSH', 'q', message]) + encode(['BRPOP', 'q', '1']),
  },
  'ZADD and ZREM': {
    line: (index) => ['ZADD', 'z', String(index % 1_000), `tag${index}`],
    pair: (index) => encode(['ZADD', 'z', String(index % 1_000), `other${index}`]) + encode(['ZREM', 'z', `other${index}`]),
  },
  'HSET and HDEL': {
    line: (index) => ['HSET', 'h', `tag${index}`, message],
    pair: (index) => encode(['HSET', 'h', `other${index}`, message]) + encode(['HDEL', 'h', `other${index}`]),
  },
  'ZRANGE by score and ZCOUNT': {
    line: (index) => ['ZADD', 'z', String(index), `tag${index}`],
    pair: () => encode(['ZRANGE', 'z', '50', '0', 'BYSCORE', 'REV', 'LIMIT', '0', '10']) + encode(['ZCOUNT', 'z', '-inf', '+inf']),
  },
};

test.each(Object.entries(kinds))(
  '%s',
  async (_name, { line, pair }) => {
    const least = async (count: number): Promise<number> => {
      await fill(count, line);
      const times: number[] = [];
      for (let round = 0; round < 5; round += 1) times.push(await timePairs(pair));
      return Math.min(...times);
    };
    const few = await least(100);
    const many = await least(100_000);
    expect(many / few).toBeLessThan(3);
  },
  60_000,
);
