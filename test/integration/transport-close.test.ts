import { createTransport } from '@celeriac/brokers';
import { isCeleriacError } from '@celeriac/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ProxyServer, startProxy } from '../brokers/proxy.ts';
import { type BrokerRig, openBroker } from '../interop/broker-rig.ts';
import { letTimePass } from '../until.ts';

describe.each([['redis', 3] as const, ['rabbitmq', 7] as const])(
  'a consumer on %s that opens while its transport closes',
  (kind, stepMs) => {
    let rig: BrokerRig;
    let proxy: ProxyServer;
    beforeAll(async () => {
      rig = await openBroker(kind);
      proxy = await startProxy(Number(new URL(rig.broker).port));
      // Each step of a start is one way there and back: a close comes in between any two of them.
      proxy.delay(10);
    });
    afterAll(async () => {
      await proxy?.stop();
      await rig?.stop();
    });

    it('does not outlive it', { timeout: 240_000 }, async () => {
      const begun: string[] = [];
      for (let afterMs = 0; afterMs <= 300; afterMs += stepMs) {
        const transport = await createTransport({ url: proxy.url(rig.broker) });
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
      expect([...new Set(begun)].toSorted()).toEqual(['CELERIAC_E_CLOSED', 'open before']);
    });
  },
);
