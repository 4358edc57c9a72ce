import { decodeResultMeta, READY_STATES, type ResultMeta } from '@celeriac/protocol';
import type { ChannelListener, Subscriber } from '../../transports/redis/subscriber.ts';

export interface ResultWatches {
  /** Resolves with the first final record; rejects when the signal aborts. */
  watch(key: string, signal: AbortSignal): Promise<ResultMeta>;
}

interface Watch {
  /** Resolves when the subscription stands: what is stored from then on is told. */
  readonly listening: Promise<void>;
  readonly listener: ChannelListener;
  readonly tells: Set<(meta: ResultMeta) => void>;
}

/** Watched keys share a subscription each, which ends with its last watcher. `read` gets what stands already. */
export function createResultWatches(
  subscriber: Subscriber,
  timeoutMs: number,
  read: (key: string) => Promise<ResultMeta | undefined>,
): ResultWatches {
  const watches = new Map<string, Watch>();

  function tellAll(key: string, meta: ResultMeta | undefined): void {
    if (meta === undefined || !READY_STATES.has(meta.status)) return;
    for (const tell of watches.get(key)?.tells ?? []) tell(meta);
  }

  async function readAgain(key: string): Promise<void> {
    tellAll(key, await read(key).catch(() => undefined));
  }

  // A result may have come while nobody could listen.
  subscriber.onUp(() => {
    for (const key of watches.keys()) void readAgain(key);
  });

  function join(key: string, tell: (meta: ResultMeta) => void): Promise<void> {
    const known = watches.get(key);
    if (known !== undefined) {
      known.tells.add(tell);
      return known.listening;
    }
    const listener: ChannelListener = (_, payload) => {
      try {
        tellAll(key, decodeResultMeta(payload));
      } catch {
        // Not a record: whoever reads the key is told so.
      }
    };
    const listening = subscriber.listen('channel', key, listener, timeoutMs);
    watches.set(key, { listening, listener, tells: new Set([tell]) });
    return listening;
  }

  function leave(key: string, tell: (meta: ResultMeta) => void): void {
    const watch = watches.get(key);
    if (watch === undefined || !watch.tells.delete(tell) || watch.tells.size > 0) return;
    watches.delete(key);
    void subscriber.unlisten('channel', key, watch.listener);
  }

  return {
    async watch(key, signal) {
      signal.throwIfAborted();
      let onAbort = (): void => {};
      let tell: (meta: ResultMeta) => void = () => {};
      const told = new Promise<ResultMeta>((resolve, reject) => {
        tell = resolve;
        onAbort = () => reject(signal.reason as Error);
      });
      told.catch(() => {});
      signal.addEventListener('abort', onAbort, { once: true });
      try {
        await Promise.race([join(key, tell), told]);
        const standing = signal.aborted ? undefined : await Promise.race([read(key), told]);
        if (standing !== undefined && READY_STATES.has(standing.status)) return standing;
        return await told;
      } finally {
        signal.removeEventListener('abort', onAbort);
        leave(key, tell);
      }
    },
  };
}
