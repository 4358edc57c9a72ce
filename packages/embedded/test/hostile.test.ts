// Whatever arrives, the broker answers or closes that connection, and serves the others.

import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encode, RespConnection } from '../../../test/conformance/resp-connection.ts';
import { commandNames } from '../src/commands/table.ts';
import { type BrokerEvent, createEmbeddedBroker, type EmbeddedBroker } from '../src/index.ts';

let broker: EmbeddedBroker;
let healthy: RespConnection;
const events: BrokerEvent[] = [];
beforeAll(async () => {
  broker = await createEmbeddedBroker({ maxMemoryBytes: 64 * 1024 * 1024, onEvent: (event) => events.push(event) });
  healthy = await RespConnection.open(broker.port);
});
afterAll(async () => {
  await healthy.end();
  await broker.stop();
});

async function survives(bytes: string): Promise<void> {
  const connection = await RespConnection.open(broker.port);
  connection.write(bytes);
  connection.socket.end();
  await connection.closed();
  expect(await healthy.call('PING')).toBe('PONG');
}

test('random bytes and broken requests', async () => {
  const whole = encode(['SET', 'k', 'v']) + encode(['BRPOP', 'q', '0']) + encode(['EVAL', 'return 1', '0']);
  const broken = fc.record({ at: fc.nat(whole.length), byte: fc.nat(255), cut: fc.nat(whole.length) });
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 2_000 }).map((data) => Buffer.from(data).toString('latin1')),
    broken.map(({ at, byte, cut }) => (whole.slice(0, at) + String.fromCharCode(byte) + whole.slice(at + 1)).slice(0, cut)),
    fc.constantFrom('*0\r\n', '*-1\r\n', '$5\r\n', '\r\n\r\n', '*1\r\n$0\r\n\r\n', '*3\r\n', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
  );
  await fc.assert(fc.asyncProperty(bytes, survives), { numRuns: 300 });
}, 300_000);

test('every command with words that make no sense', async () => {
  const names = commandNames().filter((name) => !['QUIT', 'RESET', 'CLIENT'].includes(name));
  const word = fc.oneof(
    fc.constantFrom(
      'k',
      'l',
      'z',
      '0',
      '-1',
      '9223372036854775807',
      '1e400',
      'nan',
      'COUNT',
      'LIMIT',
      'GET',
      'EX',
      'BYSCORE',
      '(',
      '[',
      '',
      '\0\xff',
    ),
    fc.string({ maxLength: 8 }),
  );
  const request = fc.tuple(fc.constantFrom(...names), fc.array(word, { maxLength: 6 })).map(([name, words]) => [name, ...words]);
  await fc.assert(
    fc.asyncProperty(fc.array(request, { minLength: 20, maxLength: 40 }), async (requests) => {
      const setUp = [
        ['SET', 'k', 'v'],
        ['RPUSH', 'l', 'a', 'b'],
        ['ZADD', 'z', '1', 'm'],
      ];
      const sent = [...setUp, ...requests].map((words) => encode(words.map((each) => Buffer.from(each).toString('latin1'))));
      await survives(sent.join(''));
    }),
    { numRuns: 150 },
  );
  expect(events).toEqual([]);
}, 300_000);
