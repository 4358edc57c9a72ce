import type { Job } from '../pool.ts';
import { jobMeta } from './job-frame.ts';

/** A job on its way through the pool. It keeps its place in line when it has to change children. */
export class Booking {
  readonly job: Job;
  readonly meta: string;
  /** Its number in the child it was last sent to. */
  seq = 0;
  /** `onStarted` was called. */
  announced = false;
  /** When the parent learnt that it began; milliseconds of `performance.now()`. */
  begunAtMs = 0;
  softLimitSent = false;

  constructor(job: Job) {
    this.job = job;
    this.meta = jobMeta(job.request);
  }

  get softAtMs(): number {
    return this.softLimitSent || this.job.softLimitMs === null ? Number.POSITIVE_INFINITY : this.begunAtMs + this.job.softLimitMs;
  }

  get hardAtMs(): number {
    return this.job.hardLimitMs === null ? Number.POSITIVE_INFINITY : this.begunAtMs + this.job.hardLimitMs;
  }
}
