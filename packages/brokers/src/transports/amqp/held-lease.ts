import { randomUUID } from 'node:crypto';
import type { Message } from '@celeriac/protocol';
import type { Logger } from '../../observe/logger.ts';
import { asError } from './amqp-link.ts';
import type { AmqpPublisher } from './amqp-publisher.ts';
import { type RpcChannel, replyCode } from './rpc-channel.ts';

/** A durable copy of a message that goes back to its queue by itself when we stop renewing it. */
export interface HeldLease {
  /** Deletes the copy. */
  release(): Promise<void>;
}

export interface HeldLeaseOptions {
  /** A channel that nothing else fails on: a copy is fetched, replaced and acknowledged on it. */
  readonly rpc: RpcChannel;
  readonly publisher: AmqpPublisher;
  readonly queue: string;
  readonly message: Message;
  /** Headers of the copy beside the message's own. */
  readonly extraHeaders: Readonly<Record<string, unknown>>;
  /** How long the copy outlives us. */
  readonly ttlMs: number;
  readonly logger: Logger;
  /** The copy may have gone back: somebody else may run it. */
  readonly onLost: () => void;
}

/**
 * Puts a copy into a queue of its own, `celeriac.held.<uuid>`, whose messages expire into the original queue, and renews it three times
 * in its life. A copy that is fetched does not expire, so renewing is: fetch, publish a fresh copy with confirm, acknowledge the fetched one.
 */
export async function takeHeldLease(options: HeldLeaseOptions): Promise<HeldLease> {
  const { rpc, publisher, queue, message, extraHeaders, ttlMs, logger, onLost } = options;
  const name = `celeriac.held.${randomUUID()}`;
  const declare = {
    'x-message-ttl': ttlMs,
    'x-dead-letter-exchange': '',
    'x-dead-letter-routing-key': queue,
    'x-expires': ttlMs * 10,
  };
  const publishCopy = (): Promise<void> => publisher.publish({ message, exchange: '', routingKey: name, mandatory: true, extraHeaders });

  await rpc.run((channel) => channel.assertQueue(name, { durable: true, arguments: declare }));
  await publishCopy();
  let safeUntilMs = performance.now() + ttlMs;
  let ended = false;
  let renewing: Promise<void> | undefined;

  const end = (): void => {
    ended = true;
    clearInterval(timer);
  };
  const lose = (): void => {
    if (ended) return;
    end();
    onLost();
  };
  async function renew(): Promise<void> {
    const startedAtMs = performance.now();
    try {
      const found = await rpc.run(async (channel) => {
        let last = await channel.get(name);
        if (last === false) return false;
        for (let next = await channel.get(name); next !== false; next = await channel.get(name)) last = next;
        if (!ended) await publishCopy();
        channel.ack(last, true);
        return true;
      });
      if (!found) return lose();
      safeUntilMs = startedAtMs + ttlMs;
    } catch (error) {
      if (replyCode(error) === 404) return lose();
      logger.warn({ err: asError(error), queue }, 'a held message could not be renewed');
    }
  }
  const timer = setInterval(() => {
    if (performance.now() > safeUntilMs - ttlMs / 6) return lose();
    renewing ??= renew().finally(() => {
      renewing = undefined;
    });
  }, ttlMs / 3);

  return {
    async release() {
      end();
      await renewing;
      await rpc.run((channel) => channel.deleteQueue(name));
    },
  };
}
