import { createEmbeddedBroker, type EmbeddedBroker } from '@celeriac/embedded';
import { afterAll, beforeAll } from 'vitest';
import { redisTransportRig } from './redis-transport-rig.ts';
import { transportConformance } from './transport.ts';

let broker: EmbeddedBroker;
beforeAll(async () => {
  broker = await createEmbeddedBroker();
});
afterAll(async () => {
  await broker.stop();
});

let database = 0;

transportConformance('redis, on the embedded broker', () => redisTransportRig(broker.url.replace(/0$/, String(database++ % 16))));
