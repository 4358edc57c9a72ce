import { fileURLToPath } from 'node:url';
import { decodeEnvelope, encodeTask, type Request } from '@celeriac/protocol';
import type { Job, Outcome, Pool, PoolEvents } from '../../src/pool/pool.ts';
import type { PreforkOptions } from '../../src/pool/prefork/prefork-options.ts';
import { createPreforkPool } from '../../src/pool/prefork/prefork-pool.ts';

export const TASKS: string = fileURLToPath(new URL('./fixtures/tasks.ts', import.meta.url));

let lastId = 0;

/** A request as a broker would have brought it. */
export function requestFor(
  name: string,
  args: readonly unknown[] = [],
  kwargs: Record<string, unknown> = {},
  more: Partial<Request> = {},
): Request {
  lastId += 1;
  const message = encodeTask({ name, args, kwargs, taskId: `task-${lastId}` });
  const decoded = decodeEnvelope(message, { exchange: '', routingKey: 'celery', priority: 0, redelivered: false });
  if (decoded.kind !== 'request') throw new Error(decoded.refusal.reason);
  return { ...decoded.request, ...more };
}

/** A job with no limits that runs alone. */
export function jobFor(name: string, args: readonly unknown[] = [], more: Partial<Job> = {}): Job {
  return { request: requestFor(name, args), softLimitMs: null, hardLimitMs: null, fresh: false, pipelined: false, ...more };
}

export interface LogEntry {
  readonly job: Job | null;
  readonly level: string;
  readonly text: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** A pool with everything it reports kept, and promises for what tests wait for. */
export interface PoolRig extends AsyncDisposable {
  readonly pool: Pool;
  readonly started: { readonly job: Job; readonly pid: number }[];
  readonly outcomes: Map<Job, Outcome[]>;
  readonly logs: LogEntry[];
  /** How often `onRoom` was called. */
  rooms: number;
  /** The outcome of a job, now or when it comes. */
  outcomeOf(job: Job): Promise<Outcome>;
  /** Submits as soon as there is room. */
  submit(job: Job): Promise<void>;
  run(job: Job): Promise<Outcome>;
  /** Resolves when `what` holds, looked at after every event of the pool. */
  until(what: () => boolean): Promise<void>;
}

export function poolRig(options: Partial<PreforkOptions> = {}, events: Partial<PoolEvents> = {}): PoolRig {
  const outcomes = new Map<Job, Outcome[]>();
  const started: { job: Job; pid: number }[] = [];
  const logs: LogEntry[] = [];
  let waiters: { what: () => boolean; resolve: () => void }[] = [];
  const look = (): void => {
    const met = waiters.filter(({ what }) => what());
    waiters = waiters.filter((waiter) => !met.includes(waiter));
    for (const { resolve } of met) resolve();
  };
  const until = (what: () => boolean): Promise<void> =>
    what() ? Promise.resolve() : new Promise((resolve) => waiters.push({ what, resolve }));
  const rig = { rooms: 0 };
  const pool = createPreforkPool({
    modules: [TASKS],
    slots: 1,
    env: process.env,
    ...options,
    events: {
      onStarted(job, pid) {
        started.push({ job, pid });
        events.onStarted?.(job, pid);
        look();
      },
      onOutcome(job, outcome) {
        outcomes.set(job, [...(outcomes.get(job) ?? []), outcome]);
        events.onOutcome?.(job, outcome);
        look();
      },
      onRoom() {
        rig.rooms += 1;
        events.onRoom?.();
        look();
      },
      onLog(entry) {
        logs.push(entry);
        events.onLog?.(entry);
        look();
      },
      onChildExit(reason) {
        events.onChildExit?.(reason);
        look();
      },
      onCall: events.onCall ?? (() => Promise.reject(new Error('no calls here'))),
    },
  });
  const outcomeOf = async (job: Job): Promise<Outcome> => {
    await until(() => outcomes.has(job));
    return outcomes.get(job)?.[0] as Outcome;
  };
  const submit = (job: Job): Promise<void> => until(() => pool.submit(job));
  return {
    pool,
    started,
    outcomes,
    logs,
    get rooms() {
      return rig.rooms;
    },
    outcomeOf,
    submit,
    async run(job) {
      await submit(job);
      return outcomeOf(job);
    },
    until,
    async [Symbol.asyncDispose]() {
      await pool.close(AbortSignal.abort());
    },
  };
}

/** Whether a process is there (a zombie is not). */
export async function isAlive(pid: number): Promise<boolean> {
  const { readFile } = await import('node:fs/promises');
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    return !/\) [ZX] /.test(stat);
  } catch {
    return false;
  }
}
