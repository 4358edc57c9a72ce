import type { Logger } from '@celeriac/brokers';
import { CeleriacError } from '@celeriac/protocol';
import type { LeaseMemory, PoolMemory } from './memory.ts';
import { formatMemory, parseMemory } from './memory-format.ts';

/** A memory that is written into the lease by whoever writes the lease. */
export interface KeptMemory extends LeaseMemory {
  /** What the last holder left, as it stands in the lease we took; undefined where there is nothing. */
  load(text: string | undefined): void;
  /** What the next write of the lease should carry; undefined where nothing has changed since the last, or it is too early. */
  next(nowMs: number, options: { readonly evenEarly: boolean }): Writing | undefined;
  /** Whether somebody waits for a write. */
  readonly urgent: boolean;
  /** The right to write is gone: whoever waits is told. */
  lost(): void;
}

/** One text on its way into the lease, and those who wait for it. */
export interface Writing {
  readonly text: string;
  taken(nowMs: number): void;
  /** It may not have been written: those who wait are served by the next. */
  failed(): void;
}

export interface KeptMemoryOptions {
  readonly mayWrite: () => boolean;
  /** Somebody waits from now on. */
  readonly onUrgent: () => void;
  readonly logger: Logger;
  /** Between two writes nobody waits for, ms. Default 5,000. */
  readonly everyMs?: number;
}

/** All annotations of an object share 256 KiB (apimachinery, TotalAnnotationSizeLimitB); others may have some, too. */
const MOST_BYTES = 192 * 1_024;

/** Creates it, empty. */
export function keptMemory(options: KeptMemoryOptions): KeptMemory {
  const { mayWrite, onUrgent, logger, everyMs = 5_000 } = options;
  const pools = new Map<string, PoolMemory>();
  const left = new Map<string, PoolMemory>();
  let waiters: PromiseWithResolvers<void>[] = [];
  let changed = false;
  let writtenAtMs = Number.NEGATIVE_INFINITY;

  const text = (): string => {
    const whole = formatMemory(pools);
    if (whole.length <= MOST_BYTES) return whole;
    logger.error({ code: 'CELERIAC_E_LEASE_MEMORY', bytes: whole.length }, 'too many pools for one lease: what they learnt is not kept');
    // The orders of people and what is being taken out must not get lost; all else can be learnt again.
    const needed = [...pools].filter(
      ([, { orders, cordoned, removing }]) => orders.by !== '' || Object.keys(cordoned).length + removing.length > 0,
    );
    return formatMemory(new Map(needed));
  };
  const lostError = (): CeleriacError => new CeleriacError('CELERIAC_E_LEASE', 'the lease was lost before this was written to it');

  return {
    read(pool) {
      return pools.get(pool) ?? left.get(pool) ?? null;
    },
    write(pool, memory) {
      if (!mayWrite()) return;
      pools.set(pool, memory);
      changed = true;
    },
    flush() {
      if (!mayWrite()) return Promise.reject(lostError());
      const waiter = Promise.withResolvers<void>();
      waiters.push(waiter);
      onUrgent();
      return waiter.promise;
    },
    load(text) {
      pools.clear();
      left.clear();
      changed = false;
      if (text === undefined) return;
      try {
        for (const [pool, memory] of parseMemory(text)) left.set(pool, memory);
      } catch (error) {
        logger.error({ err: error }, 'beginning without what the last holder of the lease left');
      }
    },
    next(nowMs, { evenEarly }) {
      const due = waiters.length > 0 || (changed && (evenEarly || nowMs - writtenAtMs >= everyMs));
      if (!due) return undefined;
      const served = waiters;
      waiters = [];
      changed = false;
      return {
        text: text(),
        taken(atMs) {
          writtenAtMs = atMs;
          for (const waiter of served) waiter.resolve();
        },
        failed() {
          changed = true;
          waiters = [...served, ...waiters];
        },
      };
    },
    get urgent() {
      return waiters.length > 0;
    },
    lost() {
      for (const waiter of waiters.splice(0)) waiter.reject(lostError());
    },
  };
}
