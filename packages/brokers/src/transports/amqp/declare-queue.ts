import { CeleriacError } from '@celeriac/protocol';
import type { Channel } from 'amqplib';
import type { QueueDeclaration } from '../transport.ts';
import type { LiveConnection } from './amqp-link.ts';
import { brokerError, type RpcChannel, replyCode } from './rpc-channel.ts';

/** Something that must stand before a message is sent to it. */
export interface Prerequisite {
  readonly name: string;
  declare(): Promise<void>;
}

/** Does `declare` once for each life of the connection; concurrent callers share it, and a failed one is tried again. */
export function declareOnce(
  rpc: RpcChannel,
  name: string,
  declare: (channel: Channel, live: LiveConnection) => Promise<void>,
): Promise<void> {
  return rpc.run(async (channel, live) => {
    const known = live.declared.get(name);
    if (known !== undefined) return await known;
    const declaring = declare(channel, live);
    live.declared.set(name, declaring);
    try {
      await declaring;
      live.ready.add(name);
    } catch (error) {
      live.declared.delete(name);
      throw error;
    }
  });
}

/** Forgets that a queue was declared: it is gone. */
export function forgetQueue(live: LiveConnection | undefined, name: string): void {
  for (const key of [`queue ${name}`, `destination ${name}`]) {
    live?.declared.delete(key);
    live?.ready.delete(key);
  }
}

/**
 * A queue that a message is sent to. Where its owner declared it otherwise, as a quorum queue or with priorities, that it stands is enough:
 * messages are mandatory, so one that is not routed comes back.
 */
export function queuePrerequisite(rpc: RpcChannel, queue: QueueDeclaration): Prerequisite {
  const name = `destination ${queue.name}`;
  const declare = async (): Promise<void> => {
    let clash: unknown;
    await declareQueue(rpc, queue).catch((error: unknown) => {
      if (replyCode((error as Error).cause) !== 406) throw error;
      clash = error;
    });
    await declareOnce(rpc, name, async (channel) => {
      if (clash !== undefined) await channel.checkQueue(queue.name);
    }).catch((error: unknown) => {
      throw clash ?? error;
    });
  };
  return { name, declare };
}

/**
 * Declares a queue exactly as Celery does: durable direct exchange, durable queue, binding, all three of the queue's name unless said otherwise
 * (celery/app/amqp.py `Queues`, kombu/entity.py). Rejects with CELERIAC_E_BROKER where the queue stands with other arguments.
 */
export function declareQueue(rpc: RpcChannel, queue: QueueDeclaration): Promise<void> {
  const declaring = declareOnce(rpc, `queue ${queue.name}`, async (channel) => {
    const exchange = queue.exchange ?? queue.name;
    const routingKey = queue.routingKey ?? queue.name;
    if (exchange !== '') await channel.assertExchange(exchange, queue.exchangeType ?? 'direct', { durable: true });
    await channel.assertQueue(queue.name, { durable: queue.durable ?? true, arguments: queue.arguments ?? {} });
    if (exchange !== '') await channel.bindQueue(queue.name, exchange, routingKey);
  });
  return declaring.catch((error: unknown) => {
    if (replyCode(error) !== 406) throw brokerError(error, `queue '${queue.name}' cannot be declared`);
    const text = `queue '${queue.name}' or its exchange exists with other arguments; declare it as it stands, or delete it`;
    throw new CeleriacError('CELERIAC_E_BROKER', `${text} (${(error as Error).message})`, { cause: error });
  });
}
