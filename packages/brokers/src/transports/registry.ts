import { CeleriacError } from '@celeriac/protocol';
import { maskUrl } from '../urls/mask-url.ts';
import type { Transport, TransportOptions } from './transport.ts';

const loaders: Readonly<Record<string, (options: TransportOptions) => Promise<Transport>>> = {
  redis: async (options) => (await import('./redis/redis-transport.ts')).createRedisTransport(options),
  amqp: async (options) => (await import('./amqp/amqp-transport.ts')).createAmqpTransport(options),
  memory: async (options) => (await import('./memory/memory-transport.ts')).createMemoryTransport(options),
};

const schemes: Readonly<Record<string, string>> = {
  redis: 'redis',
  rediss: 'redis',
  'redis+socket': 'redis',
  sentinel: 'redis',
  amqp: 'amqp',
  amqps: 'amqp',
  pyamqp: 'amqp',
  memory: 'memory',
};

/**
 * The transport of a broker URL; its driver is loaded now, nothing connects yet.
 * @throws CeleriacError CELERIAC_E_URL for a scheme that is not known
 */
export async function createTransport(options: TransportOptions): Promise<Transport> {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(options.url)?.[1]?.toLowerCase() ?? '';
  const load = loaders[schemes[scheme] ?? ''];
  if (load === undefined) {
    throw new CeleriacError(
      'CELERIAC_E_URL',
      `the broker URL ${maskUrl(options.url)} has no known scheme; known: ${Object.keys(schemes).join(', ')}`,
    );
  }
  return await load(options);
}
