import type { Transport } from '@celeriac/brokers';
import { connect } from 'amqplib';
import { afterAll, beforeAll } from 'vitest';
import { createAmqpTransport } from '../../packages/brokers/src/transports/amqp/amqp-transport.ts';
import { startProxy } from '../brokers/proxy.ts';
import { type Rabbitmq, startRabbitmq } from '../brokers/rabbitmq.ts';
import { transportConformance } from './transport.ts';
import { type TransportRig, taskMessage } from './transport-rig.ts';

let rabbitmq: Rabbitmq;
beforeAll(async () => {
  rabbitmq = await startRabbitmq();
});
afterAll(() => rabbitmq.stop());

const traits: TransportRig['traits'] = {
  priorities: { first: 'highest', arguments: { 'x-max-priority': 9 } },
  refusesUnroutable: true,
  breakLosesClaims: true,
  losses: 'child',
  parkEarlyMs: 0,
  creditSlack: 3,
};

async function makeRig(): Promise<TransportRig> {
  const vhost = await rabbitmq.createVhost();
  const proxy = await startProxy(rabbitmq.port);
  const made: Transport[] = [];
  const create: TransportRig['create'] = (options = {}) => {
    const transport = createAmqpTransport({ url: proxy.url(vhost.url), ...options });
    made.push(transport);
    return transport;
  };
  return {
    create,
    async breakConnections() {
      // what was written before has been read by the broker when a later connection has opened and closed behind the same proxy
      const witness = await connect(proxy.url(vhost.url));
      await witness.close();
      proxy.cut();
    },
    async putUnreadable(queue) {
      const message = taskMessage('too-large', { body: new Uint8Array(65_537) });
      await create().publish({ message, exchange: '', routingKey: queue.name, queue });
      return 'CELERIAC_E_TOO_LARGE';
    },
    traits,
    async stop() {
      await Promise.all(made.map((transport) => transport.close()));
      await proxy.stop();
      await rabbitmq.deleteVhost(vhost);
    },
  };
}

transportConformance('amqp', makeRig);
