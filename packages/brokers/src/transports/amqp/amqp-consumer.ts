import { CeleriacError } from '@celeriac/protocol';
import type { ConsumeOptions, Consumer, QueueDeclaration } from '../transport.ts';
import type { AmqpDelivery, DeliverySource } from './amqp-delivery.ts';
import type { AmqpLink } from './amqp-link.ts';
import { shareCredit } from './credit-plan.ts';
import type { HeldLease } from './held-lease.ts';
import { createQueueFeed, type QueueFeed } from './queue-feed.ts';
import type { RpcChannel } from './rpc-channel.ts';

const SHARING_PAUSE_MS = 250;
const CONVERT_AT = 0.8;

export interface AmqpConsumerOptions {
  readonly link: AmqpLink;
  readonly rpc: RpcChannel;
  readonly options: ConsumeOptions;
  readonly sourceOf: (queue: QueueDeclaration) => Omit<DeliverySource, 'queue' | 'isQuorum' | 'released'>;
  /** RabbitMQ's consumer_timeout: how long a delivery may be held before the broker closes its channel. */
  readonly consumerTimeoutMs: number;
  readonly takeLease: (delivery: AmqpDelivery) => Promise<HeldLease>;
  readonly onClosed: () => void;
}

/** A consumer that can also be dropped, with the connection gone. */
export interface AmqpConsumer extends Consumer {
  readonly isEnded: boolean;
  end(): void;
}

/** Feeds of several queues under one credit. Deliveries of one read from the socket are handed over together. */
export async function createAmqpConsumer(setup: AmqpConsumerOptions): Promise<AmqpConsumer> {
  const { link, options, consumerTimeoutMs, takeLease } = setup;
  const feeds = new Map<string, QueueFeed>();
  const closing = new Set<QueueFeed>();
  let credit = options.credit;
  let closed = false;
  let ended = false;
  let batch: AmqpDelivery[] = [];
  let sharedAtMs = 0;
  let shareTimer: NodeJS.Timeout | undefined;

  const handOver = (): void => {
    const deliveries = batch.filter((delivery) => delivery.isHeld);
    batch = [];
    if (deliveries.length > 0) options.onDeliveries(deliveries);
    considerSharing();
  };

  function share(): void {
    clearTimeout(shareTimer);
    shareTimer = undefined;
    sharedAtMs = performance.now();
    const list = [...feeds.values()];
    const shares = shareCredit(
      credit,
      list.map((feed) => ({ target: feed.target, held: feed.held.size })),
    );
    for (const [index, feed] of list.entries()) {
      const target = shares[index] as number;
      if (target !== feed.target) feed.setTarget(target);
    }
  }

  /** Credit that lies with idle queues goes to the one that fills its share. */
  function considerSharing(): void {
    if (feeds.size < 2 || closed || shareTimer !== undefined) return;
    const list = [...feeds.values()];
    const heldInAll = list.reduce((sum, feed) => sum + feed.held.size, 0);
    if (heldInAll >= credit || !list.some((feed) => feed.target > 0 && feed.held.size >= feed.target)) return;
    shareTimer = setTimeout(share, Math.max(0, sharedAtMs + SHARING_PAUSE_MS - performance.now()));
  }

  const stopListening = link.listen({
    onUp() {
      options.onEvent({ kind: 'connected' });
      for (const feed of feeds.values()) feed.resume();
    },
    onDown(error) {
      for (const feed of [...feeds.values(), ...closing]) feed.lose();
      options.onEvent({ kind: 'disconnected', error });
    },
    onProblem: (error) => options.onEvent({ kind: 'problem', error }),
  });

  async function addFeed(declaration: QueueDeclaration): Promise<void> {
    if (feeds.has(declaration.name)) return;
    const feed = createQueueFeed({
      link,
      rpc: setup.rpc,
      declaration,
      source: setup.sourceOf(declaration),
      onDelivery(delivery) {
        if (batch.length === 0) process.nextTick(handOver);
        batch.push(delivery);
      },
      onReleased: considerSharing,
      onProblem: (error) => options.onEvent({ kind: 'problem', error }),
    });
    feeds.set(declaration.name, feed);
    try {
      await feed.start();
    } catch (error) {
      feeds.delete(declaration.name);
      throw error;
    }
  }

  /** Deliveries that come near RabbitMQ's limit are converted to leases; the limit is checked at a twentieth of it. */
  const convertTimer = setInterval(
    () => {
      const dueMs = performance.now() - consumerTimeoutMs * CONVERT_AT;
      for (const feed of [...feeds.values(), ...closing]) {
        for (const delivery of feed.held) {
          if (delivery.receivedAtMs > dueMs) break;
          if (delivery.isConverted || !delivery.isHeld) continue;
          delivery
            .convert(async () => {
              await feed.detach(delivery);
              return await takeLease(delivery);
            })
            .catch((error: unknown) => options.onEvent({ kind: 'problem', error: error as Error }));
        }
        if (feed.held.size === 0) closing.delete(feed);
      }
      if (closed && closing.size === 0) end();
    },
    Math.min(30_000, consumerTimeoutMs / 20),
  );

  function end(): void {
    closed = true;
    ended = true;
    clearTimeout(shareTimer);
    clearInterval(convertTimer);
    stopListening();
    setup.onClosed();
  }

  async function stopFeed(feed: QueueFeed): Promise<void> {
    feeds.delete(feed.declaration.name);
    closing.add(feed);
    await feed.stop();
    handOver();
    if (feed.held.size === 0) closing.delete(feed);
  }

  try {
    if (link.live !== undefined) options.onEvent({ kind: 'connected' });
    for (const queue of options.queues) await addFeed(queue);
    share();
  } catch (error) {
    for (const feed of feeds.values()) await stopFeed(feed);
    end();
    throw error;
  }

  return {
    end,
    get isEnded() {
      return ended;
    },
    get queues() {
      return [...feeds.values()].map((feed) => feed.declaration);
    },
    setCredit(count) {
      credit = Math.max(0, Math.floor(count));
      share();
    },
    async addQueue(queue) {
      if (closed) throw new CeleriacError('CELERIAC_E_CLOSED', 'the consumer is closed');
      await addFeed(queue);
      share();
    },
    async cancelQueue(name) {
      const feed = feeds.get(name);
      if (feed === undefined) return;
      await stopFeed(feed);
      share();
    },
    async close() {
      if (closed) return;
      closed = true;
      clearTimeout(shareTimer);
      await Promise.all([...feeds.values()].map(stopFeed));
      if (closing.size === 0) end();
    },
  };
}
