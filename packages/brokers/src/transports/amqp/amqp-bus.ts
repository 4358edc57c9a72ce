import type { Message } from '@celeriac/protocol';
import type { Channel, ConsumeMessage } from 'amqplib';
import type { Logger } from '../../observe/logger.ts';
import type { Bus, BusMessage, Subscription } from '../transport.ts';
import type { ReceivedMessage } from './amqp-delivery.ts';
import { type AmqpLink, asError, type LiveConnection } from './amqp-link.ts';
import type { AmqpPublisher } from './amqp-publisher.ts';
import { declareOnce } from './declare-queue.ts';
import { openChannel, type RpcChannel, replyCode } from './rpc-channel.ts';

const RETRY_MS = 2_000;
const EVENT_EXCHANGE = 'celeryev';

/** What a subscription declares and consumes. */
interface Source {
  readonly exchange: string;
  readonly type: 'topic' | 'fanout' | 'direct';
  readonly binding: string;
  readonly queue: string;
}

export interface AmqpBusOptions {
  /** For subscriptions. */
  readonly link: AmqpLink;
  /** For declarations of exchanges on the publishing connection. */
  readonly publishRpc: RpcChannel;
  readonly publisher: AmqpPublisher;
  readonly timeoutMs: number;
  readonly logger: Logger;
}

/**
 * Exchanges and queues as Celery declares them (kombu/pidbox.py, celery/events): `celeryev` durable, the pidbox exchanges not; every queue exclusive
 * to its connection and expiring. A control queue whose name is taken by a live namesake is tried again in the background.
 */
export function createAmqpBus({ link, publishRpc, publisher, timeoutMs, logger }: AmqpBusOptions): Bus & { end(): void } {
  const subscriptions = new Set<() => void>();

  const send = (exchange: string, type: Source['type'], routingKey: string, message: Message): Promise<void> => {
    const name = `exchange ${exchange}`;
    const declare = (): Promise<void> =>
      declareOnce(publishRpc, name, async (channel) => void (await declareExchange(channel, exchange, type)));
    return publisher.publish({ message, exchange, routingKey, mandatory: false }, { name, declare });
  };

  async function subscribe(source: Source, onMessage: (message: BusMessage) => void): Promise<Subscription> {
    let channel: Channel | undefined;
    let attaching: Promise<void> | undefined;
    let timer: NodeJS.Timeout | undefined;
    let closed = false;

    const attach = (live: LiveConnection): Promise<void> => {
      attaching ??= attachTo(live).finally(() => {
        attaching = undefined;
      });
      return attaching;
    };
    const attachTo = async (live: LiveConnection): Promise<void> => {
      const opened = await openChannel(live);
      if (closed) return await opened.close();
      channel = opened;
      opened.once('close', () => {
        if (channel === opened) channel = undefined;
        if (!closed && link.live === live) again();
      });
      await declareExchange(opened, source.exchange, source.type);
      await opened.assertQueue(source.queue, {
        durable: false,
        exclusive: true,
        autoDelete: true,
        arguments:
          source.exchange === EVENT_EXCHANGE
            ? { 'x-expires': 60_000, 'x-message-ttl': 5_000 }
            : { 'x-expires': 10_000, 'x-message-ttl': 300_000 },
      });
      await opened.bindQueue(source.queue, source.exchange, source.binding);
      await opened.consume(source.queue, (received) => receive(received), { noAck: true });
    };
    const receive = (received: ConsumeMessage | null): void => {
      if (received === null) return void channel?.close().catch(() => {});
      if (closed) return;
      const { properties, content, fields } = received as unknown as ReceivedMessage;
      if (properties.malformed !== undefined || properties.omitted) return;
      const { headers, contentType, contentEncoding } = properties;
      onMessage({
        message: { headers, properties: properties.properties, contentType, contentEncoding, body: content },
        routingKey: fields.routingKey,
      });
    };
    function again(): void {
      clearTimeout(timer);
      timer = setTimeout(() => attachOrRetry(), RETRY_MS);
    }
    function attachOrRetry(): void {
      const { live } = link;
      if (closed || live === undefined || channel !== undefined) return;
      attach(live).catch((error: unknown) => {
        logger.warn({ err: asError(error), queue: source.queue }, 'a bus queue cannot be opened; trying again');
      });
    }
    const stopListening = link.listen({
      onUp: attachOrRetry,
      onDown() {
        channel = undefined;
      },
    });
    const end = (): void => {
      closed = true;
      clearTimeout(timer);
      stopListening();
      subscriptions.delete(end);
    };
    subscriptions.add(end);

    const live = await link.ready(timeoutMs);
    if (channel === undefined || attaching !== undefined) {
      await attach(live).catch((error: unknown) => {
        if (replyCode(error) === undefined) throw error;
        logger.warn({ err: asError(error), queue: source.queue }, 'a bus queue is taken by somebody else; trying again');
      });
    }
    return {
      async close() {
        end();
        await channel?.close().catch(() => {});
      },
    };
  }

  return {
    broadcast: (exchange, routingKey, message) => send(exchange, exchange === EVENT_EXCHANGE ? 'topic' : 'fanout', routingKey, message),
    reply: (exchange, routingKey, message) => send(exchange, 'direct', routingKey, message),
    subscribe,
    openReplies: (key, onMessage) =>
      subscribe({ exchange: 'reply.celery.pidbox', type: 'direct', binding: key, queue: `${key}.reply.celery.pidbox` }, onMessage),
    end() {
      for (const stop of [...subscriptions]) stop();
    },
  };
}

function declareExchange(channel: Channel, exchange: string, type: Source['type']): Promise<unknown> {
  return channel.assertExchange(exchange, type, { durable: exchange === EVENT_EXCHANGE });
}
