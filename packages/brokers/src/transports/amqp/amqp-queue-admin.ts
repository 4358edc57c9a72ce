import type { QueueAdmin } from '../transport.ts';
import { asError, type LiveConnection } from './amqp-link.ts';
import { declareQueue } from './declare-queue.ts';
import { createGrowthProbe } from './probe-growth.ts';
import { createQueueProbes } from './queue-probes.ts';
import { brokerError, type RpcChannel, replyCode } from './rpc-channel.ts';

/** The queue operations of RabbitMQ, until they are ended. */
export interface AmqpQueueAdmin extends QueueAdmin {
  consumers(names: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /** Ends what is watched; what has not been answered rejects. */
  end(): void;
}

/** `rpc` declares; questions go over `live` in a row, those about queues that may be missing over `channels`. */
export function createAmqpQueueAdmin(
  rpc: RpcChannel,
  channels: readonly [RpcChannel, ...RpcChannel[]],
  live: () => Promise<LiveConnection>,
): AmqpQueueAdmin {
  const probes = createQueueProbes(channels, live);
  const growth = createGrowthProbe(probes);
  return {
    declare: (queue) => declareQueue(rpc, queue),
    depth: (name) => probes.ask(name),
    async depths(names) {
      const answers = await Promise.all(
        names.map(async (name): Promise<[string, number | Error]> => {
          try {
            return [name, (await probes.ask(name)) ?? 0];
          } catch (error) {
            return [name, asError(error)];
          }
        }),
      );
      return new Map(answers);
    },
    async consumers(names) {
      const answers = await Promise.allSettled(names.map((name) => probes.ask(name)));
      return new Map(names.flatMap((name, at) => (answers[at]?.status === 'fulfilled' ? [[name, probes.consumersOf(name)] as const] : [])));
    },
    async purge(name) {
      try {
        return (await channels[0].run((channel) => channel.purgeQueue(name))).messageCount;
      } catch (error) {
        if (replyCode(error) === 404) return 0;
        throw brokerError(error, `queue '${name}' cannot be purged`);
      }
    },
    async nextDueMs() {
      return undefined;
    },
    watchGrowth: (names, onGrowth) => growth.watch(names, onGrowth),
    end() {
      growth.close();
      probes.close();
    },
  };
}
