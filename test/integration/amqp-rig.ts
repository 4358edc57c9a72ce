import type { Transport, TransportOptions } from '@celeriac/brokers';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { createAmqpTransport } from '../../packages/brokers/src/transports/amqp/amqp-transport.ts';
import { type ProxyServer, startProxy } from '../brokers/proxy.ts';
import { type Rabbitmq, startRabbitmq, type Vhost } from '../brokers/rabbitmq.ts';

/** One virtual host behind a proxy. */
export interface AmqpBench {
  readonly rabbitmq: Rabbitmq;
  readonly vhost: Vhost;
  readonly proxy: ProxyServer;
  /** Through the proxy; closed after the test. */
  transport(options?: Partial<TransportOptions>): Transport;
}

/** Registers the hooks; call the result inside a test for a bench of its own. `start` gives another node than the shared one. */
export function amqpBenches(start: () => Promise<Rabbitmq> = startRabbitmq): () => Promise<AmqpBench> {
  let rabbitmq: Rabbitmq | undefined;
  const undo: (() => Promise<unknown>)[] = [];
  beforeAll(async () => {
    rabbitmq = await start();
  });
  afterEach(async () => {
    for (const step of undo.splice(0).reverse()) await step();
  });
  afterAll(() => rabbitmq?.stop());
  return async () => {
    const broker = rabbitmq;
    if (broker === undefined) throw new Error('RabbitMQ has not been started');
    const vhost = await broker.createVhost();
    undo.push(() => broker.deleteVhost(vhost));
    const proxy = await startProxy(broker.port);
    undo.push(() => proxy.stop());
    return {
      rabbitmq: broker,
      vhost,
      proxy,
      transport(options = {}) {
        const transport = createAmqpTransport({ url: proxy.url(vhost.url), ...options });
        undo.push(() => transport.close());
        return transport;
      },
    };
  };
}
