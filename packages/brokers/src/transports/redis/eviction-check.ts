import { CeleriacError } from '@celeriac/protocol';
import { isErrorReply } from './redis-connection.ts';
import { brokerError, type RedisHub } from './redis-hub.ts';

/** Warns when the server may evict tasks, or throws CELERIAC_E_EVICTION with `strict`. Silent where the server does not tell its policy. */
export async function checkEviction(hub: RedisHub, strict: boolean): Promise<void> {
  const policy = await evictionPolicy(hub);
  if (policy === undefined || policy === 'noeviction') return;
  const { logger, maskedUrl } = hub.settings;
  if (policy.startsWith('volatile-')) {
    logger.warn(
      { url: maskedUrl, policy },
      'Redis may evict keys with a time to live, such as results; maxmemory-policy should be noeviction',
    );
    return;
  }
  const text = `Redis has maxmemory-policy ${policy} and may evict queues and claims, so that tasks are lost; set it to noeviction`;
  if (strict) throw new CeleriacError('CELERIAC_E_EVICTION', text, { data: { policy } });
  logger.error({ url: maskedUrl, policy }, text);
}

/** The `maxmemory-policy` in force; undefined where the server tells it neither by CONFIG nor by INFO. */
export async function evictionPolicy(hub: RedisHub): Promise<string | undefined> {
  const client = await hub.commands.use(hub.timeoutMs);
  try {
    const reply: readonly unknown[] = await client.config('GET', 'maxmemory-policy');
    if (typeof reply[1] === 'string') return reply[1];
  } catch (error) {
    if (!isErrorReply(error)) throw brokerError(error, hub.isClosed);
  }
  // Managed servers refuse CONFIG.
  const info = await client.info('memory').catch(() => '');
  return /maxmemory_policy:(\S+)/.exec(info)?.[1];
}
