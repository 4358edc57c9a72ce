import { randomUUID } from 'node:crypto';
import type { Channel, ConsumeMessage } from 'amqplib';
import type { QueueDeclaration } from '../transport.ts';
import { type ActiveConsumer, AmqpDelivery, type DeliverySource, type ReceivedMessage } from './amqp-delivery.ts';
import { type AmqpLink, asError, type LiveConnection } from './amqp-link.ts';
import { type ClaimChannel, createClaimChannel } from './claim-channel.ts';
import { planCredit } from './credit-plan.ts';
import { declareQueue, forgetQueue } from './declare-queue.ts';
import { openChannel, type RpcChannel, replyCode } from './rpc-channel.ts';
import { createStepLimit } from './step-limit.ts';

const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 5_000;

export interface QueueFeedOptions {
  readonly link: AmqpLink;
  readonly rpc: RpcChannel;
  readonly declaration: QueueDeclaration;
  readonly source: Omit<DeliverySource, 'queue' | 'isQuorum' | 'released'>;
  readonly onDelivery: (delivery: AmqpDelivery) => void;
  readonly onReleased: () => void;
  readonly onProblem: (error: Error) => void;
}

/** Consumption of one queue on a channel of its own, so that an error there concerns nobody else. */
export interface QueueFeed {
  readonly declaration: QueueDeclaration;
  /** Unsettled deliveries, also those of channels and consumers that are gone. */
  readonly held: ReadonlySet<AmqpDelivery>;
  readonly target: number;
  setTarget(target: number): void;
  /** Resolves when consumption has begun, rejects when the queue cannot be declared or consumed. */
  start(): Promise<void>;
  /** The connection came up again. */
  resume(): void;
  /** The connection is gone. */
  lose(): void;
  /** Counts a delivery no longer for its consumer, and waits until the credit has followed. */
  detach(delivery: AmqpDelivery): Promise<void>;
  /** Resolves when no delivery will come any more; what is held stays settleable. */
  stop(): Promise<void>;
}

export function createQueueFeed(options: QueueFeedOptions): QueueFeed {
  const { link, rpc, declaration, onDelivery, onReleased, onProblem } = options;
  const held = new Set<AmqpDelivery>();
  const step = createStepLimit();
  let consumers: ActiveConsumer[] = [];
  let claims: ClaimChannel<AmqpDelivery> | undefined;
  let target = 0;
  let stopped = false;
  let adjusting: Promise<void> | undefined;
  let failures = 0;
  let retryTimer: NodeJS.Timeout | undefined;

  const source: DeliverySource = {
    ...options.source,
    queue: declaration.name,
    isQuorum: declaration.arguments?.['x-queue-type'] === 'quorum',
    released(delivery) {
      held.delete(delivery);
      if (delivery.consumer !== undefined && consumers.includes(delivery.consumer)) delivery.consumer.held--;
      else if (!stopped) follow();
      if (stopped && held.size === 0) setImmediate(closeChannel);
      onReleased();
    },
  };

  const plan = () => {
    const attached = consumers.reduce((sum, consumer) => sum + consumer.held, 0);
    return planCredit(stopped ? 0 : target, held.size - attached, consumers);
  };

  /** Brings the consumers in line with the target, one step after the other; one run at a time, which looks again after each step. */
  function adjust(): Promise<void> {
    if (adjusting !== undefined) return adjusting;
    if (link.live === undefined || plan().kind === 'none') return Promise.resolve();
    adjusting = takeSteps();
    return adjusting;
  }

  async function takeSteps(): Promise<void> {
    try {
      while (link.live !== undefined && plan().kind !== 'none') {
        await step.next(stopped);
        if (link.live !== undefined) await takeStep(link.live);
      }
    } finally {
      adjusting = undefined;
    }
  }

  async function takeStep(live: LiveConnection): Promise<void> {
    const next = plan();
    if (next.kind === 'none') return;
    if (next.kind === 'cancel') {
      for (const consumer of next.consumers) {
        await claims?.channel.cancel(consumer.tag);
        consumers = consumers.filter((other) => other !== consumer);
      }
      return;
    }
    await declareQueue(rpc, declaration);
    claims ??= await openClaims(live);
    const opened = claims;
    const consumer: ActiveConsumer = { tag: `celeriac.${randomUUID()}`, prefetch: next.prefetch, held: 0 };
    await opened.channel.prefetch(consumer.prefetch, false);
    if (claims !== opened) return;
    consumers.push(consumer);
    await opened.channel.consume(declaration.name, (message) => receive(opened, consumer, message), { consumerTag: consumer.tag });
    failures = 0;
  }

  async function openClaims(live: LiveConnection): Promise<ClaimChannel<AmqpDelivery>> {
    const channel: Channel = await openChannel(live);
    const opened = createClaimChannel<AmqpDelivery>(live, channel, declaration.name);
    let cause: Error | undefined;
    channel.on('error', (error: Error) => {
      cause = error;
    });
    channel.on('close', () => {
      if (claims !== opened) return;
      endChannel();
      if (link.live !== live || stopped) return;
      onProblem(cause ?? new Error(`the channel of queue '${declaration.name}' was closed`));
      retry();
    });
    return opened;
  }

  function receive(opened: ClaimChannel<AmqpDelivery>, consumer: ActiveConsumer, message: ConsumeMessage | null): void {
    if (message === null) {
      // the queue was deleted or has moved: declare it anew and begin again, what is held stays on its channel
      consumers = consumers.filter((other) => other !== consumer);
      forgetQueue(link.live, declaration.name);
      follow();
      return;
    }
    const received = message as unknown as ReceivedMessage;
    const delivery = new AmqpDelivery(source, opened, consumer, received);
    consumer.held++;
    held.add(delivery);
    opened.hold(received.fields.deliveryTag, delivery);
    onDelivery(delivery);
  }

  function endChannel(): void {
    const ended = claims;
    claims = undefined;
    consumers = [];
    for (const delivery of ended?.end() ?? []) delivery.channelEnded();
  }

  function closeChannel(): void {
    const { channel } = claims ?? {};
    claims?.flush();
    endChannel();
    channel?.close().catch(() => {});
  }

  function follow(): void {
    adjust().catch((error: unknown) => {
      if (link.live === undefined || stopped) return;
      forgetQueue(link.live, declaration.name);
      onProblem(asError(error));
      retry();
    });
  }

  function retry(): void {
    clearTimeout(retryTimer);
    const delayMs = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures++) * (0.5 + Math.random() / 2);
    retryTimer = setTimeout(follow, delayMs);
  }

  return {
    declaration,
    held,
    get target() {
      return target;
    },
    setTarget(next) {
      target = next;
      follow();
    },
    async start() {
      await declareQueue(rpc, declaration);
      await adjust();
    },
    resume: follow,
    lose: endChannel,
    async detach(delivery) {
      if (delivery.consumer !== undefined && consumers.includes(delivery.consumer)) delivery.consumer.held--;
      delivery.consumer = undefined;
      await adjust();
    },
    async stop() {
      stopped = true;
      clearTimeout(retryTimer);
      while (link.live !== undefined && consumers.length > 0) {
        await adjust().catch((error: unknown) => {
          if (replyCode(error) === undefined && link.live !== undefined) throw error;
        });
      }
      if (held.size === 0) closeChannel();
    },
  };
}
