import type { QueueSeen } from '../decide/seen.ts';
import { reading, unavailable } from '../window/sample.ts';
import type { DepthReader } from './depth-reader.ts';

/** Asks the broker how much waits. */
export interface QueueDepthSampler {
  /** One reading for each queue, all asked at once. Never rejects. */
  read(): Promise<readonly QueueSeen[]>;
  /** How long the last reading took, ms. */
  readonly lastTookMs: number;
}

export interface QueueDepthOptions {
  readonly queues: readonly string[];
  readonly depths: DepthReader;
  /** Epoch ms. */
  readonly now: () => number;
}

/** A sampler of the depths of one pool. A queue that does not exist is known to be empty; an error or a late answer is not. */
export function queueDepthSampler(options: QueueDepthOptions): QueueDepthSampler {
  const { now, depths, queues } = options;
  const lastReadMs = new Map(queues.map((name) => [name, now()]));
  let lastTookMs = 0;
  const seen = (name: string, depth: number | Error | undefined, atMs: number): QueueSeen => {
    if (typeof depth !== 'number') {
      return { name, ready: unavailable(depth?.message ?? 'not read', lastReadMs.get(name) ?? atMs) };
    }
    lastReadMs.set(name, atMs);
    return { name, ready: reading(depth, atMs) };
  };
  return {
    async read() {
      const startedMs = performance.now();
      const read = await depths.read(queues);
      lastTookMs = performance.now() - startedMs;
      const atMs = now();
      return queues.map((name) => seen(name, read.get(name), atMs));
    },
    get lastTookMs() {
      return lastTookMs;
    },
  };
}
