import { CeleriacError } from '@celeriac/protocol';
import { parseBrokerUrl } from '../urls/broker-url.ts';
import { maskUrl } from '../urls/mask-url.ts';
import type { ResultBackend, ResultBackendOptions } from './backend.ts';

/** The result backend of a URL; only its own driver is loaded, nothing connects yet. Rejects with CELERIAC_E_URL where there is none for the scheme. */
export async function createResultBackend(options: ResultBackendOptions): Promise<ResultBackend> {
  switch (parseBrokerUrl(options.url).kind) {
    case 'redis':
      return (await import('./redis/redis-backend.ts')).createRedisBackend(options);
    case 'memory':
      return (await import('./memory.ts')).createMemoryBackend(options);
    case 'amqp':
      throw new CeleriacError('CELERIAC_E_URL', `${maskUrl(options.url)} cannot be a result backend; use redis:// or memory://`);
  }
}
