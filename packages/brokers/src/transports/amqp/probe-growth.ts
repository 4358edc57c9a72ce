import type { Subscription } from '../transport.ts';
import type { QueueProbes } from './queue-probes.ts';

/** Watches queues for growth, all subscriptions together. */
export interface GrowthProbe {
  watch(names: readonly string[], onGrowth: (name: string) => void): Promise<Subscription>;
  close(): void;
}

interface Watched {
  readonly listeners: Set<(name: string) => void>;
  /** At the last look; null for a queue that did not exist. */
  ready: number | null;
  lookedAtMs: number;
  isAsking: boolean;
}

/** Up to so many queues are looked at together once in a round: one write and one wake-up. More are spread over slices of it. */
const TOGETHER = 64;
const SLICE_MS = 50;
/** How long one round over all watched queues takes at least, and how many questions a second it may cost. */
const ROUND_MS = 200;
const QUESTIONS_PER_S = 2_000;
/** A missing queue costs RabbitMQ a channel and a line in its log each time. */
const MISSING_ROUND_MS = 400;
const MISSING_PER_S = 100;

/**
 * RabbitMQ tells nobody that a queue has grown, so all watched queues are looked at in turn: each every 200 ms, or as often as 2,000
 * questions a second allow; missing ones every 400 ms, or as often as 100 a second allow. The looks are spread evenly.
 */
export function createGrowthProbe(probes: QueueProbes): GrowthProbe {
  const watched = new Map<string, Watched>();
  let turn: Iterator<[string, Watched]> = watched.entries();
  let timer: NodeJS.Timeout | undefined;
  let missing = 0;
  let owed = 0;
  let lastSliceMs = performance.now();

  const look = async (name: string, entry: Watched): Promise<void> => {
    entry.isAsking = true;
    entry.lookedAtMs = performance.now();
    try {
      const before = entry.ready;
      entry.ready = await probes.ask(name);
      if (watched.get(name) !== entry) return;
      missing += (entry.ready === null ? 1 : 0) - (before === null ? 1 : 0);
      if ((entry.ready ?? 0) > 0 && (before ?? 0) === 0) for (const listener of [...entry.listeners]) listener(name);
    } catch {
      // Not known: as before, and asked again in the next round.
    } finally {
      entry.isAsking = false;
    }
  };
  const isDue = (entry: Watched, nowMs: number): boolean => {
    if (entry.isAsking) return false;
    if (entry.ready !== null) return true;
    // The round that is nearest: one that comes a moment too soon must not put it off to the next.
    return nowMs - entry.lookedAtMs >= Math.max(MISSING_ROUND_MS, (missing / MISSING_PER_S) * 1_000) - sliceMs() / 2;
  };
  const slice = (): void => {
    const nowMs = performance.now();
    const roundMs = Math.max(ROUND_MS, (watched.size / QUESTIONS_PER_S) * 1_000);
    // A timer may be early by a part of a millisecond; that must not leave a queue to the next round.
    owed = Math.min(watched.size, owed + (watched.size * (nowMs - lastSliceMs + 1)) / roundMs);
    lastSliceMs = nowMs;
    for (; owed >= 1; owed -= 1) {
      let next = turn.next();
      if (next.done === true) {
        turn = watched.entries();
        next = turn.next();
      }
      if (next.done === true) break;
      const [name, entry] = next.value;
      if (isDue(entry, nowMs)) void look(name, entry);
    }
    timer = watched.size === 0 ? undefined : setTimeout(slice, sliceMs());
  };
  const sliceMs = (): number => (watched.size <= TOGETHER ? ROUND_MS : SLICE_MS);
  const begin = (): void => {
    if (timer !== undefined) return;
    lastSliceMs = performance.now();
    timer = setTimeout(slice, sliceMs());
  };
  const add = async (name: string, onGrowth: (name: string) => void): Promise<void> => {
    const known = watched.get(name);
    if (known !== undefined) return void known.listeners.add(onGrowth);
    const ready = await probes.ask(name);
    const meanwhile = watched.get(name);
    if (meanwhile !== undefined) return void meanwhile.listeners.add(onGrowth);
    if (ready === null) missing += 1;
    watched.set(name, { listeners: new Set([onGrowth]), ready, lookedAtMs: performance.now(), isAsking: false });
  };
  const remove = (name: string, onGrowth: (name: string) => void): void => {
    const entry = watched.get(name);
    if (entry === undefined || !entry.listeners.delete(onGrowth) || entry.listeners.size > 0) return;
    if (entry.ready === null) missing -= 1;
    watched.delete(name);
  };

  return {
    async watch(names, onGrowth) {
      const listener = (name: string): void => onGrowth(name);
      const end = (): void => {
        for (const name of names) remove(name, listener);
      };
      try {
        await Promise.all(names.map((name) => add(name, listener)));
      } catch (error) {
        end();
        throw error;
      }
      begin();
      return {
        close: () => {
          end();
          return Promise.resolve();
        },
      };
    },
    close() {
      clearTimeout(timer);
      watched.clear();
    },
  };
}
