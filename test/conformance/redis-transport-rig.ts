import { Redis } from 'ioredis';
import { createRedisTransport, type RedisTransport } from '../../packages/brokers/src/transports/redis/redis-transport.ts';
import type { TransportRig } from './transport-rig.ts';

/** The Redis transport on one empty database of a server that speaks Redis. */
export async function redisTransportRig(url: string): Promise<TransportRig> {
  const admin = new Redis(url);
  await admin.flushdb();
  const made: RedisTransport[] = [];
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
}
