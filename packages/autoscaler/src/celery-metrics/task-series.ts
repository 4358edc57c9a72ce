import { type Buckets, emptyBuckets, observe } from './buckets.ts';
import { CELERY_METRICS } from './celery-table.ts';
import type { TaskEventType } from './known-tasks.ts';

/** Values of the labels that tasks are counted by. */
export interface TaskLabels {
  readonly name: string;
  readonly hostname: string;
  readonly queue: string;
}

/** All series of one name, host and queue. */
export interface TaskRow extends TaskLabels {
  /** Without those that failed; an event that was never told and is not shown is absent. */
  readonly counts: Map<TaskEventType, number>;
  /** By exception; '' holds the 0 that is shown before the first failure. */
  readonly failed: Map<string, number>;
  runtime: Buckets | null;
  wait: Buckets | null;
}

/** One thing to count. */
export interface TaskCount {
  readonly labels: TaskLabels;
  readonly type: TaskEventType;
  /** Class of the exception, for `task-failed`. */
  readonly exception?: string;
  /** Seconds; counted where the task succeeded. */
  readonly runtimeS?: number | null;
}

/** The series of tasks, at most so many. */
export interface TaskSeries {
  /** False where a series would have been one too many: nothing of it is counted. */
  add(count: TaskCount): boolean;
  /** The same of a wait, seconds. */
  addWait(labels: TaskLabels, waitS: number): boolean;
  /** Removes all series of a host. */
  removeHost(hostname: string): void;
  readonly rows: ReadonlyMap<string, TaskRow>;
  /** Samples that a page has for all of it. */
  readonly size: number;
}

const OF_WORKERS: readonly TaskEventType[] = [
  'task-sent',
  'task-received',
  'task-started',
  'task-succeeded',
  'task-rejected',
  'task-revoked',
  'task-retried',
];
const { runtime: RUNTIME, wait: WAIT } = CELERY_METRICS;
/** Buckets, the infinite one, sum and count. */
const samplesOf = ({ buckets }: { readonly buckets: readonly number[] }): number => buckets.length + 3;

/**
 * Series as celery-exporter makes them: an event of a worker shows all counters of its labels at 0, so that rates have a first value; one
 * of a client shows only its own, because clients are many. `most` counts samples.
 */
export function createTaskSeries(most: number): TaskSeries {
  const rows = new Map<string, TaskRow>();
  let size = 0;

  const rowOf = ({ name, hostname, queue }: TaskLabels): TaskRow | null => {
    const key = `${hostname}\n${name}\n${queue}`;
    const known = rows.get(key);
    if (known !== undefined) return known;
    if (size >= most) return null;
    const row: TaskRow = { name, hostname, queue, counts: new Map(), failed: new Map(), runtime: null, wait: null };
    rows.set(key, row);
    return row;
  };
  /** Whether there is room for what an event would add. */
  const make = (samples: number): boolean => {
    if (size + samples > most) return false;
    size += samples;
    return true;
  };
  const show = (row: TaskRow): boolean => {
    if (row.counts.size === OF_WORKERS.length) return true;
    if (!make(OF_WORKERS.length - row.counts.size)) return false;
    for (const type of OF_WORKERS) if (!row.counts.has(type)) row.counts.set(type, 0);
    return true;
  };
  const addFailed = (row: TaskRow, exception: string, by: number): boolean => {
    const before = row.failed.get(exception);
    if (before === undefined && !make(1)) return false;
    if (before === undefined || by > 0) row.failed.set(exception, (before ?? 0) + by);
    return true;
  };
  const addOne = (row: TaskRow, type: TaskEventType): boolean => {
    const before = row.counts.get(type);
    if (before === undefined && !make(1)) return false;
    row.counts.set(type, (before ?? 0) + 1);
    return true;
  };

  return {
    add({ labels, type, exception = '', runtimeS = null }) {
      const row = rowOf(labels);
      if (row === null) return false;
      if (type === 'task-sent') return addOne(row, type);
      if (!show(row)) return false;
      if (type === 'task-failed') return addFailed(row, exception, 1);
      if (!addFailed(row, '', 0)) return false;
      addOne(row, type);
      if (type === 'task-succeeded' && runtimeS !== null) {
        if (row.runtime === null && !make(samplesOf(RUNTIME))) return false;
        row.runtime ??= emptyBuckets(RUNTIME.buckets);
        observe(row.runtime, RUNTIME.buckets, runtimeS);
      }
      return true;
    },
    addWait(labels, waitS) {
      const row = rowOf(labels);
      if (row === null || (row.wait === null && !make(samplesOf(WAIT)))) return false;
      row.wait ??= emptyBuckets(WAIT.buckets);
      observe(row.wait, WAIT.buckets, waitS);
      return true;
    },
    removeHost(hostname) {
      for (const [key, row] of rows) {
        if (row.hostname !== hostname) continue;
        rows.delete(key);
        size -= row.counts.size + row.failed.size;
        if (row.runtime !== null) size -= samplesOf(RUNTIME);
        if (row.wait !== null) size -= samplesOf(WAIT);
      }
    },
    get rows() {
      return rows;
    },
    get size() {
      return size;
    },
  };
}
