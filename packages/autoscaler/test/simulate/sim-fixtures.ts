import { type CompareOptions, simulatedSpec } from '../../src/simulate/compare.ts';
import type { Arrival } from '../../src/simulate/trace.ts';

/** Tasks at these seconds, each taking so long. */
export function tasksAt(seconds: readonly number[], serviceS: number, queue = 'celery'): readonly Arrival[] {
  return seconds.map((atS) => ({ atMs: Math.round(atS * 1_000), serviceMs: serviceS * 1_000, queue }));
}

/** What `celeriac simulate` assumes where nothing is said. */
export function options(
  arrivals: readonly Arrival[],
  changes: Partial<Omit<CompareOptions, 'onProgress'>> = {},
): Omit<CompareOptions, 'onProgress'> {
  return {
    arrivals,
    slots: 2,
    coldStartMs: 30_000,
    graceMs: 30_000,
    goalMs: 60_000,
    prefetch: 1,
    ack: 'late',
    redeliveryMs: 0,
    min: 0,
    max: 20,
    ours: {
      idleToZeroMs: 30_000,
      downDelayMs: 30_000,
      keepWarm: 4.5,
      headroom: 0,
      expectedServiceMs: 30_000,
      expectedColdStartMs: 30_000,
    },
    keda: { trigger: 'llen', pollMs: 30_000, cooldownMs: 300_000, target: 5, stabilisationMs: 300_000 },
    fixed: 20,
    seed: 1,
    ...changes,
  };
}

export { simulatedSpec };
