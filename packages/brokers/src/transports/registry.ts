import { parseBrokerUrl } from '../urls/broker-url.ts';
import type { Transport, TransportOptions } from './transport.ts';

/** The transport for a broker URL; only its own driver is loaded. Rejects with CELERIAC_E_URL where the scheme is unknown. */
export async function createTransport(options: TransportOptions): Promise<Transport> {
  switch (parseBrokerUrl(options.url).kind) {
    case 'redis': {
      const { createRedisTransport } = await import('./redis/redis-transport.ts');
      return createRedisTransport(options);
    }
    case 'amqp': {
      const { createAmqpTransport } = await import('./amqp/amqp-transport.ts');
      return createAmqpTransport(options);
    }
    case 'memory': {
      const { createMemoryTransport } = await import('./memory/memory-transport.ts');
      return createMemoryTransport(options);
    }
  }
}
