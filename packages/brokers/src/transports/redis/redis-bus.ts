import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { CeleriacError, decodeRedisEnvelope, encodeRedisEnvelope } from '@celeriac/protocol';
import type { Bus, BusMessage, QueueDeclaration, Subscription } from '../transport.ts';
import type { Bindings } from './bindings.ts';
import { closedError, RedisConnection } from './redis-connection.ts';
import type { RedisHub, ScriptArgument } from './redis-hub.ts';
import { createTurnBatch } from './turn-batch.ts';

const REPLY_EXCHANGE = 'reply.celery.pidbox';
/** Celery's `control_queue_expires`. */
const REPLY_EXPIRES_MS = 10_000;
const REFRESH_EVERY_MS = 20 * 60_000;
const POP_WAIT_S = 5;

interface Sending {
  readonly call: readonly [string, ...ScriptArgument[]];
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export function createRedisBus(hub: RedisHub, bindings: Bindings): Bus & { close(): void } {
  const { keys } = hub;
  const replies = new Set<Subscription>();
  const batch = createTurnBatch<Sending>((sendings) => {
    hub.pipeline(sendings.map(({ call }) => call)).then(
      () => {
        for (const { resolve } of sendings) resolve();
      },
      (error: Error) => {
        for (const { reject } of sendings) reject(error);
      },
    );
  });
  const send = (...call: [string, ...ScriptArgument[]]): Promise<void> =>
    hub.isClosed ? Promise.reject(closedError()) : new Promise((resolve, reject) => batch.add({ call, resolve, reject }));

  return {
    broadcast: (exchange, routingKey, message) =>
      send('publish', keys.channel(exchange, routingKey), encodeRedisEnvelope(message, { exchange, routingKey }, randomUUID())),
    async subscribe({ exchange, binding }, onMessage) {
      if (hub.isClosed) throw closedError();
      const pattern = keys.channel(globEscaped(exchange), globEscaped(binding).replaceAll('#', '*'));
      const listener = (channel: string, payload: Buffer): void => {
        const routingKey = keys.fromChannel(channel, exchange);
        const message = routingKey === undefined ? undefined : readMessage(payload);
        if (message !== undefined) onMessage({ message, routingKey: routingKey as string });
      };
      await listenWithin(hub, pattern, listener);
      return { close: () => hub.subscriber.unlisten('pattern', pattern, listener) };
    },
    async reply(exchange, routingKey, message) {
      const queues = await bindings.lookup(exchange, routingKey, true);
      const envelope = encodeRedisEnvelope(message, { exchange, routingKey }, randomUUID());
      await Promise.all(queues.map((queue) => send('lpush', keys.bucketFor(queue, 0), envelope)));
    },
    async openReplies(key, onMessage) {
      if (hub.isClosed) throw closedError();
      const subscription = await openReplies(hub, bindings, key, onMessage);
      replies.add(subscription);
      return {
        async close() {
          replies.delete(subscription);
          await subscription.close();
        },
      };
    },
    close() {
      for (const subscription of replies) void subscription.close();
    },
  };
}

async function listenWithin(hub: RedisHub, pattern: string, listener: (channel: string, payload: Buffer) => void): Promise<void> {
  try {
    await hub.subscriber.listen('pattern', pattern, listener, hub.timeoutMs);
  } catch (error) {
    // Lost meanwhile: it stands at the next connection.
    if (hub.isClosed || (error instanceof CeleriacError && hub.subscriber.connection.current === undefined)) {
      await hub.subscriber.unlisten('pattern', pattern, listener);
      throw error;
    }
  }
}

/** Answers come through a list; a connection of its own waits for them. */
async function openReplies(
  hub: RedisHub,
  bindings: Bindings,
  key: string,
  onMessage: (message: BusMessage) => void,
): Promise<Subscription> {
  const name = `${key}.${REPLY_EXCHANGE}`;
  const queue: QueueDeclaration = { name, exchange: REPLY_EXCHANGE, routingKey: key, arguments: { 'x-expires': REPLY_EXPIRES_MS } };
  await bindings.refresh(queue);
  const connection = new RedisConnection(hub.settings, 'replies', {});
  const closing = new AbortController();
  const refresh = setInterval(() => void bindings.keepExpiring([queue]), REFRESH_EVERY_MS);
  refresh.unref();

  const wait = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      try {
        const client = await connection.use(hub.timeoutMs);
        const popped = await client.brpopBuffer(hub.keys.bucketFor(name, 0), POP_WAIT_S);
        const message = popped === null ? undefined : readMessage(popped[1]);
        if (message !== undefined) onMessage({ message, routingKey: key });
      } catch {
        await sleep(50, undefined, { signal: closing.signal }).catch(() => {});
      }
    }
  };
  void wait();
  return {
    async close() {
      if (closing.signal.aborted) return;
      closing.abort();
      clearInterval(refresh);
      connection.close();
      if (!hub.isClosed && hub.commands.current !== undefined) await bindings.unbind(queue).catch(() => {});
    },
  };
}

function readMessage(payload: Buffer): BusMessage['message'] | undefined {
  const envelope = decodeRedisEnvelope(payload.toString('utf8'));
  return envelope.kind === 'message' ? envelope.message : undefined;
}

/** Redis patterns know ? * [ and \; of these only the star is meant. */
function globEscaped(text: string): string {
  return text.replace(/[?[\]\\]/g, '\\$&');
}
