import { AsyncLocalStorage } from 'node:async_hooks';
import type { TaskRegistry } from '../../tasks/registry.ts';
import { SoftTimeLimitExceeded } from '../../tasks/task-errors.ts';
import { ActiveRun } from './active-run.ts';
import type { ChildConfig } from './child-config.ts';
import type { ChildLog } from './child-console.ts';
import type { ChildOutbox } from './child-outbox.ts';
import { type Ending, writeEnding } from './ending.ts';
import { type ExecutePorts, executeJob } from './execute-job.ts';
import { FRAME, OUTCOME_FLAG } from './frame-types.ts';
import { type ChildJob, readJob } from './job-frame.ts';

/** Jobs in a row, and milliseconds, after which the event loop has its turn. */
const YIELD_JOBS = 32;
const YIELD_MS = 4;
const MEMORY_CHECK_MS = 50;

/** Runs the jobs of one child, one at a time. The rules of waiting and voiding are in frame-types.ts. */
export class ChildRuntime {
  readonly #config: ChildConfig;
  readonly #outbox: ChildOutbox;
  readonly #ports: ExecutePorts;
  readonly #scope: AsyncLocalStorage<ActiveRun> = new AsyncLocalStorage();
  readonly #calls: Map<number, { resolve(id: string): void; reject(error: Error): void }> = new Map();
  #queue: ChildJob[] = [];
  #generation = 0;
  #running: ActiveRun | undefined;
  /** A turn of the pump is scheduled. */
  #pumpDue = false;
  #lastCall = 0;
  #rowJobs = 0;
  #rowSinceMs = 0;
  #memoryCheckedMs = 0;
  #flags = 0;

  constructor(config: ChildConfig, outbox: ChildOutbox, log: ChildLog, registry: TaskRegistry) {
    this.#config = config;
    this.#outbox = outbox;
    this.#ports = { registry, log, maxResultBytes: config.maxResultBytes, call: (seq, json) => this.#call(seq, json) };
  }

  /** The job whose code is on the stack, 0 for none. */
  currentSeq(): number {
    return (this.#scope.getStore() ?? this.#running)?.job.seq ?? 0;
  }

  /** Takes one frame of the parent. */
  receive(type: number, bytes: Buffer, start: number, end: number): void {
    switch (type) {
      case FRAME.JOB:
        this.#takeJob(readJob(bytes, start, end));
        return;
      case FRAME.SOFT_LIMIT:
        if (this.#running?.job.seq === bytes.readUInt32LE(start))
          this.#running.softLimit(new SoftTimeLimitExceeded(bytes.readDoubleLE(start + 4)));
        return;
      case FRAME.VOID:
        this.#void();
        return;
      case FRAME.CALLED:
        this.#called(bytes.toString('utf8', start, end));
    }
  }

  /** An error nothing caught: ends the run it comes from, if that still waits; false where it has none. Either way the child asks to be replaced. */
  strayError(error: unknown): boolean {
    this.#flags |= OUTCOME_FLAG.TAINTED;
    return this.#scope.getStore()?.failByStrayError(error) ?? false;
  }

  /** Whether a job runs or waits. */
  get busy(): boolean {
    return this.#running !== undefined || this.#queue.length > 0;
  }

  #takeJob(job: ChildJob): void {
    if (job.generation !== this.#generation) return;
    this.#queue.push(job);
    if (this.#running === undefined) this.#pumpSoon();
  }

  #pumpSoon(): void {
    if (this.#pumpDue) return;
    this.#pumpDue = true;
    setImmediate(() => {
      this.#pumpDue = false;
      this.#beginRow();
    });
  }

  /** Begins with a job the parent does not know to have begun. */
  #beginRow(): void {
    const job = this.#running === undefined ? this.#queue.shift() : undefined;
    if (job === undefined) return;
    this.#rowJobs = 0;
    this.#rowSinceMs = performance.now();
    const startedAtMs = this.#rowSinceMs;
    this.#outbox.sendNumbers(FRAME.BEGAN, job.seq, 0);
    this.#runRow(job, startedAtMs);
  }

  #runRow(first: ChildJob, firstStartedAtMs: number): void {
    let startedAtMs = firstStartedAtMs;
    for (let job: ChildJob | undefined = first; job !== undefined; ) {
      const run = new ActiveRun(job, startedAtMs);
      this.#running = run;
      const ending = this.#scope.run(run, executeJob, run, this.#ports);
      if (ending instanceof Promise) {
        void ending.then((ended) => this.#finishedAsync(run, ended));
        return;
      }
      startedAtMs = performance.now();
      job = this.#end(run, ending, startedAtMs);
    }
  }

  #finishedAsync(run: ActiveRun, ending: Ending): void {
    const endedAtMs = performance.now();
    const next = this.#end(run, ending, endedAtMs);
    if (next !== undefined) this.#scope.exit(() => this.#runRow(next, endedAtMs));
  }

  /** Reports an ending; returns the job that has thereby begun. */
  #end(run: ActiveRun, ending: Ending, endedAtMs: number): ChildJob | undefined {
    run.ended = true;
    this.#running = undefined;
    this.#rowJobs += 1;
    this.#checkMemory(endedAtMs);
    const yields = this.#rowJobs >= YIELD_JOBS || endedAtMs - this.#rowSinceMs >= YIELD_MS;
    const next = yields ? undefined : this.#queue[0];
    this.#write(run, ending, next?.seq ?? 0, endedAtMs - run.startedAtMs);
    if (performance.now() - run.startedAtMs >= this.#config.voidMs) {
      this.#void();
      return undefined;
    }
    if (next === undefined) {
      if (this.#queue.length > 0) this.#pumpSoon();
      return undefined;
    }
    this.#queue.shift();
    return next;
  }

  #write(run: ActiveRun, ending: Ending, next: number, durationMs: number): void {
    if (ending.kind === 'succeeded')
      this.#outbox.sendOutcome(FRAME.SUCCEEDED, run.job.seq, next, durationMs, this.#flags, ending.resultJson);
    else this.#outbox.sendOutcome(FRAME.ENDED, run.job.seq, next, durationMs, this.#flags, writeEnding(ending));
  }

  /** Drops what is queued; the parent sends it elsewhere. */
  #void(): void {
    this.#generation += 1;
    this.#queue = [];
    this.#outbox.sendNumbers(FRAME.VOIDED, this.#generation, this.#running?.job.seq ?? 0);
  }

  #checkMemory(nowMs: number): void {
    if (this.#config.maxMemoryKib === 0 || nowMs - this.#memoryCheckedMs < MEMORY_CHECK_MS) return;
    this.#memoryCheckedMs = nowMs;
    if (process.memoryUsage.rss() / 1_024 > this.#config.maxMemoryKib) this.#flags |= OUTCOME_FLAG.OVER_MEMORY;
  }

  #call(seq: number, callJson: string): Promise<string> {
    this.#lastCall += 1;
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    this.#calls.set(this.#lastCall, { resolve, reject });
    this.#outbox.sendText(FRAME.CALL, `[${this.#lastCall},${seq},${JSON.stringify(callJson)}]`);
    return promise;
  }

  #called(text: string): void {
    const [id, ok, answer] = JSON.parse(text) as [number, boolean, string];
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    if (ok) call?.resolve(answer);
    else call?.reject(new Error(answer));
  }
}
