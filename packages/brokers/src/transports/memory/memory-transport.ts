import { CeleriacError } from '@celeriac/protocol';
import type { Bus, QueueAdmin, Transport, TransportOptions } from '../transport.ts';
import { memoryBroker, queueLength } from './memory-broker.ts';
import { createMemoryConsumer, type MemoryConsumer } from './memory-consumer.ts';
import { createMemoryQuarantine } from './memory-put-away.ts';

const DEFAULT_MESSAGE_BYTES = 8 * 1024 * 1024;

/** The transport of `memory://name`, with a way to see what a lost connection does. */
export interface MemoryTransport extends Transport {
  /** Ends the connections of this transport's consumers, as a restart of the broker would; they connect again at once. */
  breakConnections(): void;
}

/**
 * A broker inside this process: all transports with the same `memory://name` share it, and it lives as long as the process.
 * It counts losses completely, knows RabbitMQ's `x-max-priority`, and refuses what no queue takes (CELERIAC_E_UNROUTABLE).
 * `transportOptions.messageBytes` bounds the bodies handed out; default 8 MiB.
 */
export function createMemoryTransport(options: TransportOptions): MemoryTransport {
  const broker = memoryBroker(options.url);
  const maxBodyBytes = Number(options.transportOptions?.messageBytes ?? DEFAULT_MESSAGE_BYTES);
  const consumers = new Set<MemoryConsumer>();
  const subscriptions = new Set<() => void>();
  let closed = false;

  const whenOpen = async <T>(action: () => T): Promise<T> => {
    if (closed) throw new CeleriacError('CELERIAC_E_CLOSED', 'the memory transport is closed');
    return action();
  };
  const subscription = (stop: () => void) => {
    subscriptions.add(stop);
    return {
      async close() {
        subscriptions.delete(stop);
        stop();
      },
    };
  };

  const queues: QueueAdmin = {
    declare: (queue) => whenOpen(() => broker.declare(queue)),
    depth: (name) =>
      whenOpen(() => {
        const queue = broker.queues.get(name);
        return queue === undefined ? null : queueLength(queue);
      }),
    depths: (names) => whenOpen(() => new Map(names.map((name) => [name, queueLength(broker.queues.get(name) ?? { lanes: [] })]))),
    purge: (name) => whenOpen(() => (broker.queues.get(name)?.lanes ?? []).reduce((sum, lane) => sum + lane.splice(0).length, 0)),
    nextDueMs: () => whenOpen(() => (broker.parkedDueMs.size === 0 ? null : Math.min(...[...broker.parkedDueMs].map((e) => e.dueMs)))),
    watchGrowth: (names, onGrowth) =>
      whenOpen(() => {
        const watched = new Set(names);
        return subscription(broker.listen((queue, wasEmpty) => void (wasEmpty && watched.has(queue) && setImmediate(onGrowth, queue))));
      }),
  };
  const bus: Bus = {
    broadcast: (exchange, routingKey, message) => whenOpen(() => broker.exchanges.send(exchange, { message, routingKey })),
    subscribe: (source, onMessage) =>
      whenOpen(() => subscription(broker.exchanges.subscribe(source.exchange, source.type, source.binding, onMessage))),
    reply: (exchange, routingKey, message) => whenOpen(() => broker.exchanges.send(exchange, { message, routingKey })),
    openReplies: (key, onMessage) =>
      whenOpen(() => subscription(broker.exchanges.subscribe('reply.celery.pidbox', 'direct', key, onMessage))),
  };

  return {
    traits: {
      name: 'memory',
      virtualHost: options.url.replace(/^memory:(\/\/)?/, ''),
      hostname: 'localhost',
      port: 0,
      userid: null,
      defaultPriority: null,
    },
    publish: ({ message, exchange, routingKey, queue }) =>
      whenOpen(() => {
        if (queue !== undefined) broker.declare(queue);
        broker.publish(message, exchange, routingKey);
      }),
    consume: (consumeOptions) =>
      whenOpen(() => {
        const consumer = createMemoryConsumer(broker, consumeOptions, maxBodyBytes);
        consumers.add(consumer);
        return consumer;
      }),
    queues,
    quarantine: createMemoryQuarantine(broker, whenOpen),
    bus,
    breakConnections() {
      for (const consumer of consumers) consumer.breakConnection();
    },
    async close() {
      closed = true;
      for (const stop of subscriptions) stop();
      for (const consumer of consumers) consumer.end();
    },
  };
}
