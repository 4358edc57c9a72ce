// 100,000 waiting messages must cost no more per operation than 100 (what is sorted: no more than its logarithm, measured from 1,000 on).

import { afterAll, beforeAll, expect, test } from 'vitest';
import { encode, RespConnection } from '../../../test/conformance/resp-connection.ts';
import { createEmbeddedBroker, type EmbeddedBroker } from '../src/index.ts';

interface Bench {
  readonly broker: EmbeddedBroker;
  readonly connection: RespConnection;
}

async function openBench(): Promise<Bench> {
  const broker = await createEmbeddedBroker();
  return { broker, connection: await RespConnection.open(broker.port) };
}

let few: Bench;
let many: Bench;
beforeAll(async () => {
  [few, many] = [await openBench(), await openBench()];
});
afterAll(async () => {
  for (const { connection, broker } of [few, many]) {
    await connection.end();
    await broker.stop();
  }
});

const PAIRS = 5_000;
const message = 'm'.repeat(800);

/** Milliseconds of this process' CPU for many pairs of operations that leave the size as it is. */
async function timePairs({ connection }: Bench, pair: (index: number) => string): Promise<number> {
  const started = process.cpuUsage();
  let request = '';
  for (let index = 0; index < PAIRS; index += 1) request += pair(index);
  connection.write(request);
  for (let index = 0; index < PAIRS * 2; index += 1) await connection.next();
  const { user, system } = process.cpuUsage(started);
  return (user + system) / 1_000;
}

async function fill({ connection }: Bench, count: number, line: (index: number) => string[]): Promise<void> {
  await connection.call('FLUSHALL');
  for (let start = 0; start < count; start += 5_000) {
    const size = Math.min(5_000, count - start);
    connection.write(Array.from({ length: size }, (_, index) => encode(line(start + index))).join(''));
    for (let index = 0; index < size; index += 1) await connection.next();
  }
}

const kinds: Readonly<Record<string, { few?: number; line: (index: number) => string[]; pair: (index: number) => string }>> = {
  'LPUSH and BRPOP': {
    line: () => ['LPUSH', 'q', message],
    pair: () => encode(['LPUSH', 'q', message]) + encode(['BRPOP', 'q', '1']),
  },
  'ZADD and ZREM': {
    few: 1_000,
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
  async (_name, { few: smallCount = 100, line, pair }) => {
    await fill(few, smallCount, line);
    await fill(many, 100_000, line);
    const times: [few: number, many: number][] = [];
    for (let round = 0; round < 7; round += 1) times.push([await timePairs(few, pair), await timePairs(many, pair)]);
    expect(Math.min(...times.map(([, ms]) => ms)) / Math.min(...times.map(([ms]) => ms))).toBeLessThan(3);
  },
  300_000,
);
