import { createTransport } from '@celeriac/brokers';
import { median } from '../statistics.ts';
import { inParallel } from './bench-cluster.ts';

/** How long it takes to ask the broker how much waits in many queues. */
export interface SamplingFigures {
  readonly queues: number;
  readonly tookMs: number;
  readonly worstMs: number;
}

const ROUNDS = 5;

/** Declares the queues and reads all their depths, a few times. */
export async function measureSampling(broker: string, queues: number): Promise<SamplingFigures> {
  const transport = await createTransport({ url: broker });
  try {
    const names = Array.from({ length: queues }, (_, index) => `sampled-${index}`);
    // Without an exchange of its own each, which would take three times as long and changes nothing of what is measured.
    await inParallel(names, (name) => transport.queues.declare({ name, exchange: '' }));
    const tookMs: number[] = [];
    for (let round = 0; round <= ROUNDS; round += 1) {
      const beganMs = performance.now();
      const depths = await transport.queues.depths(names);
      if (names.some((name) => depths.get(name) !== 0)) throw new Error('a queue was not read');
      tookMs.push(performance.now() - beganMs);
    }
    // The first one opens the connections.
    return { queues, tookMs: median(tookMs.slice(1)), worstMs: Math.max(...tookMs.slice(1)) };
  } finally {
    await transport.close();
  }
}
