// The Redis transport, unchanged, on the embedded broker: the suite it passes on redis-server.

import { createEmbeddedBroker, type EmbeddedBroker } from '@celeriac/embedded';
import { Redis } from 'ioredis';
import { afterAll, beforeAll } from 'vitest';
import { createRedisTransport } from '../../packages/brokers/src/transports/redis/redis-transport.ts';

import { transportConformance } from './transport.ts';

let server: EmbeddedBroker;
beforeAll(async () => {
  server = await createEmbeddedBroker();
});
afterAll(async () => {
  await server.stop();
});

let database = 0;

transportConformance('redis on the embedded broker', async () => {
  const url = server.url.replace(/0$/, String(database++ % 16));
  const admin = new Redis(url);
  await admin.flushdb();
  const made: ReturnType<typeof createRedisTransport>[] = [];
  return {
    create(options = {}) {
      const transport = createRedisTransport({ url, ...options });
      made.push(transport);
      return transport;
    },
    async breakConnections() {
      await admin.call('client', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      await admin.call('client', 'KILL', 'TYPE', 'pubsub', 'SKIPME', 'yes');
    },
    async putUnreadable(queue) {
      await admin.lpush(queue.name, 'neither JSON nor anything else');
      return 'CELERIAC_E_ENVELOPE';
    },
    traits: {
      priorities: { first: 'lowest', arguments: {} },
      refusesUnroutable: false,
      breakLosesClaims: false,
      losses: 'exact',
      parkEarlyMs: 0,
      creditSlack: 0,
    },
    async stop() {
      await Promise.all(made.map((transport) => transport.close()));
      admin.disconnect();
    },
  };
});
