import type { Subscription } from '../transport.ts';
import type { ReadLengths } from './queue-lengths.ts';
import type { RedisHub } from './redis-hub.ts';

/** Watches queues for growth, all subscriptions together. */
export interface GrowthWatcher {
  watch(names: readonly string[], onGrowth: (name: string) => void): Promise<Subscription>;
}

interface Watched {
  readonly listeners: Set<(name: string) => void>;
  /** At the last look; undefined before the first. */
  length: number | undefined;
  /** Changed since the look under way began. */
  isChanged: boolean;
}

/** The regular look over all queues; it costs some 3 us a queue here, so it becomes rarer beyond a thousand. */
const LOOK_EVERY_MS = 1_000;
const LOOK_EVERY_MS_PER_QUEUE = 1;
/** Without CLIENT TRACKING. */
const POLL_MS = 250;
const POLL_MS_PER_QUEUE = 0.25;

/**
 * Reading the lengths arms CLIENT TRACKING; a change of a queue that was empty is looked at once, one that is not empty is left alone until the next
 * regular look, so that a busy queue costs nothing.
 */
export function createGrowthWatcher(hub: RedisHub, readLengths: ReadLengths): GrowthWatcher {
  const watched = new Map<string, Watched>();
  const nameOfKey = new Map<string, string>();
  let stale = new Set<string>();
  let looking: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let untrack: (() => void) | undefined;

  const lookAt = async (names: readonly string[]): Promise<void> => {
    for (const name of names) {
      const entry = watched.get(name);
      if (entry !== undefined) entry.isChanged = false;
    }
    const lengths = await readLengths(names);
    for (const [index, name] of names.entries()) {
      const entry = watched.get(name);
      const length = lengths[index];
      if (entry === undefined || typeof length !== 'number') continue;
      const before = entry.length ?? 0;
      entry.length = length;
      if (length === 0 && entry.isChanged) stale.add(name);
      if (length > 0 && before === 0) for (const listener of [...entry.listeners]) listener(name);
    }
  };
  const lookSoon = (names: Iterable<string>): void => {
    for (const name of names) stale.add(name);
    if (looking !== undefined) return;
    const now = [...stale].filter((name) => watched.has(name));
    stale = new Set();
    looking = lookAt(now)
      .catch(() => {})
      .finally(() => {
        looking = undefined;
        if (stale.size > 0) lookSoon([]);
      });
  };
  const rest = (): void => {
    const waitMs = hub.isTracking
      ? Math.max(LOOK_EVERY_MS, LOOK_EVERY_MS_PER_QUEUE * watched.size)
      : Math.max(POLL_MS, POLL_MS_PER_QUEUE * watched.size);
    timer = setTimeout(() => {
      timer = undefined;
      if (hub.isClosed || watched.size === 0) return;
      rest();
      lookSoon(watched.keys());
    }, waitMs);
  };
  const begin = (): void => {
    untrack ??= hub.track((key) => {
      if (key === null) return lookSoon(watched.keys());
      const name = nameOfKey.get(key);
      const entry = name === undefined ? undefined : watched.get(name);
      if (entry === undefined) return;
      entry.isChanged = true;
      if ((entry.length ?? 0) === 0) lookSoon([name as string]);
    });
  };
  const remove = (names: readonly string[], listener: (name: string) => void): void => {
    for (const name of names) {
      const entry = watched.get(name);
      if (entry === undefined || !entry.listeners.delete(listener) || entry.listeners.size > 0) continue;
      watched.delete(name);
      for (const key of hub.keys.buckets(name)) nameOfKey.delete(key);
    }
    if (watched.size > 0) return;
    clearTimeout(timer);
    timer = undefined;
    untrack?.();
    untrack = undefined;
  };

  return {
    async watch(names, onGrowth) {
      const listener = (name: string): void => onGrowth(name);
      for (const name of names) {
        const known = watched.get(name);
        if (known !== undefined) {
          known.listeners.add(listener);
          continue;
        }
        watched.set(name, { listeners: new Set([listener]), length: undefined, isChanged: false });
        for (const key of hub.keys.buckets(name)) nameOfKey.set(key, name);
      }
      begin();
      try {
        await lookAt(names);
      } catch (error) {
        remove(names, listener);
        throw error;
      }
      if (timer === undefined && watched.size > 0) rest();
      return {
        async close() {
          remove(names, listener);
          await looking;
        },
      };
    },
  };
}
