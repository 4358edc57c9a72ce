import { declareOnce } from './declare-queue.ts';
import type { RpcChannel } from './rpc-channel.ts';

/** Celery's native delayed delivery (kombu/transport/native_delayed_delivery.py): 28 levels, level n holds for 2^n seconds. */
const LEVELS = 28;
const MAX_DELAY_S = 2 ** LEVELS - 1;
const levelName = (level: number): string => `celery_delayed_${level}`;

/** Where a message enters, whatever its delay. */
export const DELAY_ENTRY_EXCHANGE: string = levelName(LEVELS - 1);
/** Where it comes out. */
export const DELAYED_DELIVERY_EXCHANGE = 'celery_delayed_delivery';

const PREFIX = /^(?:[01]\.){28}/;

/** The routing key behind the binary digits of one or several delays. */
export function withoutDelay(routingKey: string): string {
  let bare = routingKey;
  while (PREFIX.test(bare)) bare = bare.slice(2 * LEVELS);
  return bare;
}

/** The key that holds a message for so many seconds (0 to 2^28-1, clamped), most significant digit first. */
export function delayedRoutingKey(routingKey: string, delayS: number): string {
  const clamped = Math.max(0, Math.min(MAX_DELAY_S, Math.ceil(delayS)));
  return `${[...clamped.toString(2).padStart(LEVELS, '0')].join('.')}.${withoutDelay(routingKey)}`;
}

/** Declares the 28 levels exactly as Celery does, once for each connection. `queueType` is Celery's `broker_native_delayed_delivery_queue_type`. */
export function declareDelayLevels(rpc: RpcChannel, queueType: 'quorum' | 'classic'): Promise<void> {
  return declareOnce(rpc, 'native delayed delivery', async (channel) => {
    for (let level = LEVELS - 1; level >= 0; level--) {
      await channel.assertExchange(levelName(level), 'topic', { durable: true });
      const next = level > 0 ? levelName(level - 1) : DELAYED_DELIVERY_EXCHANGE;
      await channel.assertQueue(levelName(level), {
        durable: true,
        arguments: {
          'x-queue-type': queueType,
          'x-overflow': 'reject-publish',
          'x-message-ttl': 2 ** level * 1000,
          'x-dead-letter-exchange': next,
          ...(queueType === 'quorum' ? { 'x-dead-letter-strategy': 'at-least-once' } : {}),
        },
      });
      await channel.bindQueue(levelName(level), levelName(level), `${'*.'.repeat(LEVELS - 1 - level)}1.#`);
    }
    await channel.assertExchange(DELAYED_DELIVERY_EXCHANGE, 'topic', { durable: true });
    for (let level = LEVELS - 1; level >= 0; level--) {
      const next = level > 0 ? levelName(level - 1) : DELAYED_DELIVERY_EXCHANGE;
      await channel.bindExchange(next, levelName(level), `${'*.'.repeat(LEVELS - 1 - level)}0.#`);
    }
  });
}

/**
 * Binds a queue to the exit, once for each connection. The delay's 28 words are matched one by one, not by `#`: with that, what is parked for
 * `high.emails` would also come to `emails`.
 */
export function bindDelayed(rpc: RpcChannel, queue: string): Promise<void> {
  return declareOnce(rpc, `delayed ${queue}`, async (channel) => {
    await channel.bindQueue(queue, DELAYED_DELIVERY_EXCHANGE, `${'*.'.repeat(LEVELS)}${queue}`);
  });
}
