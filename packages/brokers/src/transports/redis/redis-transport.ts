import { setTimeout as sleep } from 'node:timers/promises';
import { CeleriacError } from '@celeriac/protocol';
import type {
  Bus,
  ConsumeOptions,
  Consumer,
  Publication,
  Quarantine,
  QueueAdmin,
  Transport,
  TransportOptions,
  TransportTraits,
} from '../transport.ts';
import { createBindings } from './bindings.ts';
import { createClaimSweeper, type SweptClaims } from './claim-sweeper.ts';
import { createDueMover } from './due-mover.ts';
import { checkEviction, evictionPolicy } from './eviction-check.ts';
import { keyLayout } from './key-layout.ts';
import { createPublisher } from './publisher.ts';
import { createQueueAdmin } from './queue-admin.ts';
import { createRedisBus } from './redis-bus.ts';
import { closedError } from './redis-connection.ts';
import { RedisConsumer } from './redis-consumer.ts';
import { createRedisHub } from './redis-hub.ts';
import { createQuarantine } from './redis-quarantine.ts';
import { redisSettings } from './redis-settings.ts';

const PUBLISH_TIMEOUT_MS = 15_000;

/** A transport on kombu's own keys, with what only we do beside it. */
export interface RedisTransport extends Transport {
  /** Puts back the claims of workers that are gone; every consumer does so by itself every few seconds. */
  sweepClaims(): Promise<SweptClaims>;
  /** Moves parked messages that are due back to their queues; resolves with their number. */
  moveDue(): Promise<number>;
  /** The `maxmemory-policy` in force; null where the server does not tell. */
  memoryPolicy(): Promise<string | null>;
}

/**
 * `redis://`, `rediss://`, `redis+socket://` and `sentinel://` as Celery writes them. Transport options as in kombu/transport/redis.py, in camelCase:
 * globalKeyprefix, sep, prioritySteps, visibilityTimeout (s), queueOrderStrategy, fanoutPrefix, fanoutPatterns, unackedKey, unackedIndexKey, masterName,
 * sentinelKwargs, socketTimeout (s), socketConnectTimeout (s), clientName, ssl; and our own claimLease (s, default 15). Throws CELERIAC_E_URL and CELERIAC_E_CONFIG at once.
 */
export function createRedisTransport(options: TransportOptions): RedisTransport {
  const settings = redisSettings(options.url, options.transportOptions, options.logger);
  const keys = keyLayout(settings.url.database, options.transportOptions);
  const hub = createRedisHub(settings, keys, options.publishTimeoutMs ?? PUBLISH_TIMEOUT_MS);
  const bindings = createBindings(hub);
  const publisher = createPublisher(hub, bindings);
  const dueMover = createDueMover(hub);
  const sweeper = createClaimSweeper(hub);
  const bus = createRedisBus(hub, bindings);
  const consumers = new Set<RedisConsumer>();
  let closing: Promise<void> | undefined;

  const traits: TransportTraits = {
    name: 'redis',
    virtualHost: String(settings.url.database),
    hostname: settings.url.socketPath ?? settings.url.endpoint.host,
    port: settings.url.socketPath === null ? settings.url.endpoint.port : 0,
    userid: settings.url.username,
    defaultPriority: 0,
  };

  async function consume(consumeOptions: ConsumeOptions): Promise<Consumer> {
    if (closing !== undefined) throw closedError();
    const fanout = consumeOptions.queues.find(({ exchangeType }) => exchangeType === 'fanout');
    if (fanout !== undefined) {
      throw new CeleriacError(
        'CELERIAC_E_CONFIG',
        `the queue ${fanout.name} is bound to a fan-out exchange, which Redis does not store; use the bus`,
      );
    }
    await checkEviction(hub, options.strict ?? false);
    const consumer = new RedisConsumer(consumeOptions, { hub, bindings, dueMover, sweeper, onEnd: (ended) => consumers.delete(ended) });
    await consumer.open();
    // An answer may still come when the connection has been told to end: nobody would end this consumer any more.
    if (closing !== undefined) {
      await consumer.end();
      throw closedError();
    }
    consumers.add(consumer);
    return consumer;
  }

  async function close(): Promise<void> {
    const orderly = async (): Promise<void> => {
      await publisher.idle();
      await endConsumers();
    };
    // Without an answering server there is nobody to wait for: the claims are put back when the lease ends.
    if (hub.commands.current !== undefined) {
      const limit = new AbortController();
      await Promise.race([orderly(), sleep(hub.timeoutMs, undefined, { signal: limit.signal }).catch(() => {})]);
      limit.abort();
    }
    bus.close();
    hub.close();
    await endConsumers();
  }

  async function endConsumers(): Promise<void> {
    await Promise.all([...consumers].map((consumer) => consumer.end()));
  }

  return {
    traits,
    publish: (publication: Publication) => (closing === undefined ? publisher.publish(publication) : Promise.reject(closedError())),
    consume,
    queues: createQueueAdmin(hub, bindings) satisfies QueueAdmin,
    quarantine: createQuarantine(hub) satisfies Quarantine,
    bus: bus satisfies Bus,
    sweepClaims: () => sweeper.sweep(),
    moveDue: () => dueMover.move(),
    memoryPolicy: async () => (await evictionPolicy(hub)) ?? null,
    close() {
      closing ??= close();
      return closing;
    },
  };
}
