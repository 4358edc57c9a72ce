import type { QueueAdmin } from '../transport.ts';
import { declareQueue } from './declare-queue.ts';
import { brokerError, type RpcChannel, replyCode } from './rpc-channel.ts';

const LOOK_EVERY_MS = 200;
const LOOK_FOR_MISSING_EVERY_MS = 400;

/** `rpc` declares, `probe` asks: a question about a missing queue closes its channel. */
export function createAmqpQueueAdmin(rpc: RpcChannel, probe: RpcChannel): QueueAdmin {
  const depth = async (name: string): Promise<number | null> => {
    try {
      return (await probe.run((channel) => channel.checkQueue(name))).messageCount;
    } catch (error) {
      if (replyCode(error) === 404) return null;
      throw brokerError(error, `queue '${name}' cannot be looked at`);
    }
  };
  return {
    declare: (queue) => declareQueue(rpc, queue),
    depth,
    async purge(name) {
      try {
        return (await probe.run((channel) => channel.purgeQueue(name))).messageCount;
      } catch (error) {
        if (replyCode(error) === 404) return 0;
        throw brokerError(error, `queue '${name}' cannot be purged`);
      }
    },
    async nextDueMs() {
      return undefined;
    },
    async watchGrowth(names, onGrowth) {
      let closed = false;
      const timers = new Map<string, NodeJS.Timeout>();
      const watch = (name: string, before: number | null): void => {
        if (closed) return;
        const look = async (): Promise<void> => {
          const now = await depth(name).catch(() => before);
          if (!closed && (now ?? 0) > 0 && (before ?? 0) === 0) onGrowth(name);
          watch(name, now);
        };
        timers.set(
          name,
          setTimeout(() => void look(), before === null ? LOOK_FOR_MISSING_EVERY_MS : LOOK_EVERY_MS),
        );
      };
      for (const name of names) watch(name, await depth(name));
      return {
        async close() {
          closed = true;
          for (const timer of timers.values()) clearTimeout(timer);
        },
      };
    },
  };
}
