import { hostname } from 'node:os';
import { CeleriacError, type Message } from '@celeriac/protocol';
import { silentLogger } from '../../observe/logger.ts';
import { tlsOptions } from '../../tls/tls-options.ts';
import { parseBrokerUrl } from '../../urls/broker-url.ts';
import { maskUrl } from '../../urls/mask-url.ts';
import type { QueueDeclaration, Transport, TransportOptions } from '../transport.ts';
import { createAmqpBus } from './amqp-bus.ts';
import { type AmqpConsumer, createAmqpConsumer } from './amqp-consumer.ts';
import { type AmqpDelivery, type DeliverySource, LOSSES_HEADER } from './amqp-delivery.ts';
import { closedError, createAmqpLink } from './amqp-link.ts';
import { createAmqpPublisher } from './amqp-publisher.ts';
import { createAmqpQuarantine, quarantineOf } from './amqp-quarantine.ts';
import { createAmqpQueueAdmin } from './amqp-queue-admin.ts';
import { queuePrerequisite } from './declare-queue.ts';
import { takeHeldLease } from './held-lease.ts';
import { bindDelayed, DELAY_ENTRY_EXCHANGE, declareDelayLevels, delayedRoutingKey } from './native-delay.ts';
import { createQuarantineLengths } from './quarantine-lengths.ts';
import { createRpcChannel } from './rpc-channel.ts';
import { readAmqpSettings } from './transport-settings.ts';

const CLOSE_GRACE_MS = 5_000;
/** Channels that questions about queues go over that may not exist; opened as they are needed. */
const PROBE_CHANNELS = 4;

/**
 * RabbitMQ 3.10 and later over two connections, one for consuming and settling, one for publishing with confirms, so that a broker short of memory
 * still takes acknowledgements. `transportOptions` in camelCase are described at `AmqpSettings`.
 */
export function createAmqpTransport(options: TransportOptions): Transport {
  const address = parseBrokerUrl(options.url);
  if (address.kind !== 'amqp') throw new CeleriacError('CELERIAC_E_URL', `${maskUrl(options.url)} is not the URL of an AMQP broker`);
  const settings = readAmqpSettings(options.transportOptions ?? {});
  const { logger = silentLogger, publishTimeoutMs: timeoutMs = 15_000 } = options;
  const maxReceivedBytes = settings.messageBytes * 4;
  const addresses = [address, ...address.failover];
  const tls = tlsOptions({
    secure: addresses.some((one) => one.tls),
    query: address.query,
    ssl: options.transportOptions?.ssl,
    sslDefaults: options.transportOptions?.sslDefaults,
    verifies: true,
  });
  const linkOf = (role: string) =>
    createAmqpLink({
      addresses,
      connectionName: `celeriac ${role} ${hostname()} ${process.pid}`,
      maxBodyBytes: maxReceivedBytes,
      logger,
      tls,
    });
  const consuming = linkOf('consume');
  const publishing = linkOf('publish');
  const publishRpc = createRpcChannel(publishing, timeoutMs);
  const leaseRpc = createRpcChannel(publishing, timeoutMs);
  const consumeRpc = createRpcChannel(consuming, timeoutMs);
  const publisher = createAmqpPublisher({ link: publishing, window: settings.publishWindow, timeoutMs, logger });
  const quarantine = createAmqpQuarantine(publishing, publishRpc, publisher, timeoutMs);
  const bus = createAmqpBus({ link: consuming, publishRpc, publisher, timeoutMs, logger });
  // Questions go where nothing is published: a broker short of memory stops reading from the other connection.
  const [probe, ...probes] = [
    createRpcChannel(consuming, timeoutMs),
    ...Array.from({ length: PROBE_CHANNELS - 1 }, () => createRpcChannel(consuming, timeoutMs)),
  ];
  const queues = createAmqpQueueAdmin(publishRpc, [probe, ...probes], () => consuming.ready(timeoutMs));
  const lengths = createQuarantineLengths((name) => queues.depth(name), quarantineOf);
  const consumers = new Set<AmqpConsumer>();
  let closed: Promise<void> | undefined;

  const whenOpen = async <T>(action: () => Promise<T>): Promise<T> => {
    if (closed !== undefined) throw closedError();
    return await action();
  };
  const marked = (losses: number): Readonly<Record<string, unknown>> | undefined => (losses > 0 ? { [LOSSES_HEADER]: losses } : undefined);

  const sourceOf = (queue: QueueDeclaration): Omit<DeliverySource, 'queue' | 'isQuorum' | 'released'> => {
    const toQueue = (message: Message, extraHeaders: Readonly<Record<string, unknown>> | undefined): Promise<void> =>
      publisher.publish({ message, exchange: '', routingKey: queue.name, mandatory: true, extraHeaders });
    return {
      maxBodyBytes: settings.messageBytes,
      republish: (message, losses) => toQueue(message, { [LOSSES_HEADER]: losses }),
      putAway: quarantine.putAway,
      async park(message, losses, dueAtMs) {
        const delayS = Math.ceil((dueAtMs - Date.now()) / 1000);
        if (delayS <= 0) return await toQueue(message, marked(losses));
        await declareDelayLevels(publishRpc, settings.nativeDelayedDeliveryQueueType);
        await bindDelayed(publishRpc, queue.name);
        const routingKey = delayedRoutingKey(queue.name, delayS);
        await publisher.publish({ message, exchange: DELAY_ENTRY_EXCHANGE, routingKey, mandatory: true, extraHeaders: marked(losses) });
      },
      async deadLetter(message) {
        const exchange = queue.arguments?.['x-dead-letter-exchange'];
        if (typeof exchange !== 'string') return;
        const routingKey = String(queue.arguments?.['x-dead-letter-routing-key'] ?? queue.name);
        await publisher.publish({ message, exchange, routingKey, mandatory: false });
      },
    };
  };
  const takeLease = (delivery: AmqpDelivery) =>
    takeHeldLease({
      rpc: leaseRpc,
      publisher,
      queue: delivery.queue,
      message: delivery.message,
      extraHeaders: { [LOSSES_HEADER]: delivery.losses + 1 },
      ttlMs: settings.heldLeaseMs,
      logger,
      onLost: () => delivery.lose(),
    });

  return {
    traits: {
      name: 'amqp',
      virtualHost: address.virtualHost,
      hostname: address.endpoint.host,
      port: address.endpoint.port,
      userid: address.username,
      defaultPriority: null,
    },
    publish({ message, exchange, routingKey, queue }) {
      if (closed !== undefined) return Promise.reject(closedError());
      const before = queue === undefined ? undefined : queuePrerequisite(publishRpc, queue);
      return publisher.publish({ message, exchange, routingKey, mandatory: true }, before);
    },
    consume: (consumeOptions) =>
      whenOpen(async () => {
        const opening = createAmqpConsumer({
          link: consuming,
          rpc: consumeRpc,
          options: consumeOptions,
          sourceOf,
          consumerTimeoutMs: settings.consumerTimeoutMs,
          takeLease,
          onClosed() {
            for (const consumer of consumers) if (consumer.isEnded) consumers.delete(consumer);
          },
        });
        const consumer = await opening.catch((error: unknown) => {
          throw closed === undefined ? error : closedError();
        });
        // The last answer may still come while the connection ends: nobody would end this consumer any more.
        if (closed !== undefined) {
          consumer.end();
          throw closedError();
        }
        consumers.add(consumer);
        return consumer;
      }),
    queues: {
      declare: (queue) => whenOpen(() => queues.declare(queue)),
      depth: (name) => whenOpen(() => queues.depth(name)),
      depths: (names) => whenOpen(() => queues.depths(names)),
      consumers: (names) => whenOpen(() => queues.consumers(names)),
      purge: (name) => whenOpen(() => queues.purge(name)),
      nextDueMs: () => whenOpen(() => queues.nextDueMs()),
      watchGrowth: (names, onGrowth) => whenOpen(() => queues.watchGrowth(names, onGrowth)),
    },
    quarantine: {
      list: (queue, limit) => whenOpen(() => quarantine.list(queue, limit)),
      show: (queue, key) => whenOpen(() => quarantine.show(queue, key)),
      retry: (queue, key) => whenOpen(() => quarantine.retry(queue, key)),
      drop: (queue, key) => whenOpen(() => quarantine.drop(queue, key)),
      lengths: (names) => whenOpen(() => lengths(names)),
    },
    bus: {
      broadcast: (exchange, routingKey, message) => whenOpen(() => bus.broadcast(exchange, routingKey, message)),
      subscribe: (source, onMessage) => whenOpen(() => bus.subscribe(source, onMessage)),
      reply: (exchange, routingKey, message) => whenOpen(() => bus.reply(exchange, routingKey, message)),
      openReplies: (key, onMessage) => whenOpen(() => bus.openReplies(key, onMessage)),
    },
    close() {
      closed ??= (async () => {
        await publisher.close(CLOSE_GRACE_MS);
        bus.end();
        queues.end();
        await Promise.all([consuming.close(), publishing.close()]);
        for (const consumer of [...consumers]) consumer.end();
      })();
      return closed;
    },
  };
}
