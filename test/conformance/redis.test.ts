import { afterAll, beforeAll } from 'vitest';
import { type RedisServer, startRedis } from '../brokers/redis.ts';
import { redisTransportRig } from './redis-transport-rig.ts';
import { transportConformance } from './transport.ts';

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(async () => {
  await server.stop();
});

let database = 0;

transportConformance('redis', () => redisTransportRig(server.database(database++ % 16)));
