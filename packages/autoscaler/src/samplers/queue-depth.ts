import type { QueueAdmin } from '@celeriac/brokers';
import type { QueueSeen } from '../decide/seen.ts';
import { reading, unavailable } from '../window/sample.ts';
import { inTime } from './in-time.ts';

/** Asks the broker how much waits. */
export interface QueueDepthSampler {
  /** One reading for each queue, all asked at once. Never rejects. */
  read(): Promise<readonly QueueSeen[]>;
  /** How long the last reading took, ms. */
  readonly lastTookMs: number;
}

export interface QueueDepthOptions {
  readonly queues: readonly string[];
  readonly admin: Pick<QueueAdmin, 'depth'>;
  /** Epoch ms. */
  readonly now: () => number;
  readonly limitMs: number;
}

/** A sampler of queue depths. A queue that does not exist is known to be empty; an error or a late answer is not. */
export function queueDepthSampler(options: QueueDepthOptions): QueueDepthSampler {
  const { now } = options;
  const lastReadMs = new Map(options.queues.map((name) => [name, now()]));
  let lastTookMs = 0;
  const readOne = async (name: string): Promise<QueueSeen> => {
    try {
      const ready = (await inTime(options.admin.depth(name), options.limitMs, `depth of ${name}`)) ?? 0;
      lastReadMs.set(name, now());
      return { name, ready: reading(ready, now()) };
    } catch (error) {
      return { name, ready: unavailable(error instanceof Error ? error.message : String(error), lastReadMs.get(name) ?? now()) };
    }
  };
  return {
    async read() {
      const startedMs = performance.now();
      const seen = await Promise.all(options.queues.map(readOne));
      lastTookMs = performance.now() - startedMs;
      return seen;
    },
    get lastTookMs() {
      return lastTookMs;
    },
  };
}
