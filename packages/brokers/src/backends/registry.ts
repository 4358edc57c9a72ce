import { CeleriacError } from '@celeriac/protocol';
import { maskUrl } from '../urls/mask-url.ts';
import type { ResultBackend, ResultBackendOptions } from './backend.ts';

const redis = async (options: ResultBackendOptions): Promise<ResultBackend> =>
  (await import('./redis/redis-backend.ts')).createRedisBackend(options);

const loaders: Readonly<Record<string, (options: ResultBackendOptions) => Promise<ResultBackend>>> = {
  redis,
  rediss: redis,
  'redis+socket': redis,
  sentinel: redis,
  memory: async (options) => (await import('./memory.ts')).createMemoryBackend(options),
};

/**
 * The result backend of a URL; its driver is loaded now, nothing connects yet.
 * @throws CeleriacError CELERIAC_E_URL for a scheme that is not known
 */
export async function createResultBackend(options: ResultBackendOptions): Promise<ResultBackend> {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(options.url)?.[1]?.toLowerCase() ?? '';
  const load = loaders[scheme];
  if (load === undefined) {
    const known = Object.keys(loaders).join(', ');
    throw new CeleriacError('CELERIAC_E_URL', `the result backend URL ${maskUrl(options.url)} has no known scheme; known: ${known}`);
  }
  return await load(options);
}
