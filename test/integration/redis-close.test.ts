import { createTransport } from '@celeriac/brokers';
import { isCeleriacError } from '@celeriac/protocol';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ProxyServer, startProxy } from '../brokers/proxy.ts';
import { type RedisServer, startRedis } from '../brokers/redis.ts';
import { letTimePass } from '../until.ts';

let redis: RedisServer;
let proxy: ProxyServer;
beforeAll(async () => {
  redis = await startRedis();
  proxy = await startProxy(redis.port);
  // Each step of a start is one way there and back: a close comes in between any two of them.
  proxy.delay(10);
});
afterAll(async () => {
  await proxy.stop();
  await redis.stop();
});

it('a consumer that opens while its transport closes does not outlive it', async () => {
  const begun: string[] = [];
  for (let afterMs = 0; afterMs <= 300; afterMs += 3) {
    const transport = await createTransport({ url: proxy.url(redis.url) });
    let isOpen = false;
    const consuming = transport.consume({
      queues: [{ name: 'closing' }],
      owner: 'test',
      credit: 0,
      startsAtOnce: () => 0,
      onDeliveries: () => {},
      onEvent: () => {},
    });
    const outcome = consuming.then(
      () => {
        isOpen = true;
        return 'open';
      },
      (error: unknown) => (isCeleriacError(error) ? error.code : String(error)),
    );
    await letTimePass(afterMs, 'the close comes at another moment of the start each time');
    const wasOpen = isOpen;
    await transport.close();
    begun.push(wasOpen ? 'open before' : await outcome);
  }
  expect(new Set(begun)).toEqual(new Set(['CELERIAC_E_CLOSED', 'open before']));
});
