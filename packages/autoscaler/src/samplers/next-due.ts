import type { QueueAdmin } from '@celeriac/brokers';
import { reading, type Sample, unavailable } from '../window/sample.ts';
import { inTime } from './in-time.ts';

/** Asks the broker when its next parked message is due: one answer for all pools. */
export interface NextDueSampler {
  /** The last answer. */
  readonly sample: Sample<number | null>;
  /** Asks again. Never rejects. */
  read(): Promise<Sample<number | null>>;
}

/** A sampler of the next due time. */
export function nextDueSampler(options: {
  readonly admin: Pick<QueueAdmin, 'nextDueMs'>;
  readonly now: () => number;
  readonly limitMs: number;
}): NextDueSampler {
  let lastReadMs = options.now();
  let sample: Sample<number | null> = unavailable('not asked yet', lastReadMs);
  return {
    get sample() {
      return sample;
    },
    async read() {
      try {
        const due = await inTime(options.admin.nextDueMs(), options.limitMs, 'the next due time');
        if (due === undefined) sample = unavailable('the broker cannot say', lastReadMs);
        else {
          lastReadMs = options.now();
          sample = reading(due, lastReadMs);
        }
      } catch (error) {
        sample = unavailable(error instanceof Error ? error.message : String(error), lastReadMs);
      }
      return sample;
    },
  };
}
