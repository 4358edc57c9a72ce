import type { Transport } from '../transport.ts';
import type { RedisTransport } from './redis-transport.ts';

/** Whether a transport is a Redis one, and so can sweep the claims of workers that are gone. Loads nothing. */
export function isRedisTransport(transport: Transport): transport is RedisTransport {
  return transport.traits.name === 'redis';
}
