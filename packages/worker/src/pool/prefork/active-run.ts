import type { SoftTimeLimitExceeded } from '../../tasks/task-errors.ts';
import type { ChildJob } from './job-frame.ts';

/** One run in a child, from its start to its ending: what frames and stray errors address. */
export class ActiveRun {
  readonly job: ChildJob;
  /** Clock of the child, milliseconds. */
  readonly startedAtMs: number;
  ended = false;
  #abort: AbortController | undefined;
  #calls: Promise<unknown>[] | undefined;
  #fail: ((error: unknown) => void) | undefined;

  constructor(job: ChildJob, startedAtMs: number) {
    this.job = job;
    this.startedAtMs = startedAtMs;
  }

  /** Made at first need: most tasks never look. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    return this.#abort.signal;
  }

  /** The soft limit. A task that never looked at its signal finds it aborted when it does. */
  softLimit(reason: SoftTimeLimitExceeded): void {
    this.#abort ??= new AbortController();
    this.#abort.abort(reason);
  }

  /** A call of another task, which this one does not end before. */
  addCall(call: Promise<unknown>): void {
    this.#calls ??= [];
    this.#calls.push(call);
    call.catch(() => {});
  }

  /** The calls made so far, or undefined for none. */
  takeCalls(): readonly Promise<unknown>[] | undefined {
    const calls = this.#calls;
    this.#calls = undefined;
    return calls;
  }

  /** How to end the run by a stray error, while it waits for something. */
  onStrayError(fail: (error: unknown) => void): void {
    this.#fail = fail;
  }

  /** Ends the run by an error that nothing awaited; false where it cannot be ended any more. */
  failByStrayError(error: unknown): boolean {
    if (this.ended || this.#fail === undefined) return false;
    this.#fail(error);
    return true;
  }
}
