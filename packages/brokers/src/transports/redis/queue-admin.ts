import type { QueueAdmin, Subscription } from '../transport.ts';
import type { Bindings } from './bindings.ts';
import type { RedisHub } from './redis-hub.ts';

const LOOK_EVERY_MS = 1_000;
const POLL_MS = 250;

export function createQueueAdmin(hub: RedisHub, bindings: Bindings): QueueAdmin {
  const { keys } = hub;

  async function depths(names: readonly string[]): Promise<number[]> {
    const lengths = (await hub.pipeline(names.flatMap((name) => keys.buckets(name).map((key) => ['llen', key] as const)))) as number[];
    const steps = keys.prioritySteps.length;
    return names.map((_, index) => lengths.slice(index * steps, (index + 1) * steps).reduce((sum, length) => sum + length, 0));
  }

  return {
    declare: (queue) => bindings.declare([queue]),
    /** Redis keeps no empty lists: an empty queue exists where its binding is known. */
    async depth(name) {
      const ready = (await depths([name]))[0] as number;
      return ready > 0 || (await bindings.isKnown(name)) ? ready : null;
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
    watchGrowth: (names, onGrowth) => watchGrowth(hub, names, depths, onGrowth),
  };
}

/**
 * Reading the lengths arms CLIENT TRACKING; a change of a queue that was empty is looked at once, one that is not empty is left alone until the next
 * regular look, so that a busy queue costs nothing.
 */
async function watchGrowth(
  hub: RedisHub,
  names: readonly string[],
  depths: (names: readonly string[]) => Promise<number[]>,
  onGrowth: (name: string) => void,
): Promise<Subscription> {
  const lengths = new Map<string, number>();
  const nameOfKey = new Map(names.flatMap((name) => hub.keys.buckets(name).map((key) => [key, name] as const)));
  let isClosed = false;
  let looking: Promise<void> | undefined;
  let isStale = false;
  let timer: NodeJS.Timeout | undefined;

  const look = async (): Promise<void> => {
    const found = await depths(names);
    for (const [index, name] of names.entries()) {
      const length = found[index] as number;
      const before = lengths.get(name);
      lengths.set(name, length);
      if (!isClosed && length > 0 && (before === undefined || before === 0)) onGrowth(name);
    }
  };
  const lookSoon = (): void => {
    if (looking !== undefined || isClosed) {
      isStale = true;
      return;
    }
    clearTimeout(timer);
    isStale = false;
    looking = look()
      .catch(() => {})
      .finally(() => {
        looking = undefined;
        if (isStale && !isClosed) lookSoon();
        else if (!isClosed) timer = setTimeout(lookSoon, hub.isTracking ? LOOK_EVERY_MS : POLL_MS);
      });
  };

  await look();
  const stop = hub.track((key) => {
    const name = key === null ? null : nameOfKey.get(key);
    if (name === undefined) return;
    if (name === null || (lengths.get(name) ?? 0) === 0) lookSoon();
  });
  lookSoon();
  return {
    async close() {
      isClosed = true;
      clearTimeout(timer);
      stop();
      await looking;
    },
  };
}
