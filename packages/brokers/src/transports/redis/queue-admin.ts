import type { QueueAdmin } from '../transport.ts';
import type { Bindings } from './bindings.ts';
import { createGrowthWatcher } from './growth-watcher.ts';
import { createReadLengths } from './queue-lengths.ts';
import type { RedisHub } from './redis-hub.ts';

export function createQueueAdmin(hub: RedisHub, bindings: Bindings): QueueAdmin {
  const { keys } = hub;
  const readLengths = createReadLengths(hub);
  const growth = createGrowthWatcher(hub, readLengths);

  return {
    declare: (queue) => bindings.declare([queue]),
    /** Redis keeps no empty lists: an empty queue exists where its binding is known. */
    async depth(name) {
      const [ready = 0] = await readLengths([name]);
      if (ready instanceof Error) throw ready;
      return ready > 0 || (await bindings.isKnown(name)) ? ready : null;
    },
    async depths(names) {
      const lengths = await readLengths(names);
      return new Map(names.map((name, index) => [name, lengths[index] as number | Error]));
    },
    async purge(name) {
      const buckets = keys.buckets(name);
      const results = (await hub.pipeline(
        buckets.flatMap((key) => [['llen', key] as const, ['del', key] as const]),
        true,
      )) as number[];
      return results.reduce((sum, value, index) => (index % 2 === 0 ? sum + value : sum), 0);
    },
    async nextDueMs() {
      const [reply] = (await hub.pipeline([['zrange', keys.due, 0, 0, 'WITHSCORES']])) as [string[]];
      return reply[1] === undefined ? null : Number(reply[1]) * 1000;
    },
    watchGrowth: (names, onGrowth) => growth.watch(names, onGrowth),
  };
}
