import type { QueueDeclaration, Transport } from '@celeriac/brokers';
import { connect } from 'amqplib';
import { createAmqpTransport } from '../../packages/brokers/src/transports/amqp/amqp-transport.ts';
import { startProxy } from '../brokers/proxy.ts';
import type { Rabbitmq } from '../brokers/rabbitmq.ts';
import { type TransportRig, taskMessage } from './transport-rig.ts';

/** A virtual host behind a proxy whose queues are all declared with these arguments added. */
export async function makeAmqpRig(
  rabbitmq: Rabbitmq,
  traits: TransportRig['traits'],
  queueArguments: Readonly<Record<string, unknown>> = {},
): Promise<TransportRig> {
  const vhost = await rabbitmq.createVhost();
  const proxy = await startProxy(rabbitmq.port);
  const made: Transport[] = [];
  const create: TransportRig['create'] = (options = {}) => {
    const transport = createAmqpTransport({ url: proxy.url(vhost.url), ...options });
    made.push(transport);
    return withArguments(transport, queueArguments);
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

function withArguments(transport: Transport, added: Readonly<Record<string, unknown>>): Transport {
  const change = (queue: QueueDeclaration): QueueDeclaration => ({ ...queue, arguments: { ...queue.arguments, ...added } });
  return {
    ...transport,
    publish: ({ queue, ...rest }) => transport.publish(queue === undefined ? rest : { ...rest, queue: change(queue) }),
    async consume(options) {
      const consumer = await transport.consume({ ...options, queues: options.queues.map(change) });
      return Object.create(consumer, {
        addQueue: { value: (queue: QueueDeclaration) => consumer.addQueue(change(queue)) },
      }) as typeof consumer;
    },
    queues: { ...transport.queues, declare: (queue) => transport.queues.declare(change(queue)) },
  };
}
