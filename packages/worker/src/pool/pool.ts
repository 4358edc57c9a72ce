import type { ErrorCode, RemoteException, Request } from '@celeriac/protocol';
import type { TaskManifest } from '../tasks/manifest.ts';

/** One request on its way through the pool. */
export interface Job {
  readonly request: Request;
  /** Effective limits in milliseconds, null for none. */
  readonly softLimitMs: number | null;
  readonly hardLimitMs: number | null;
  /** Runs in a process of its own, from the spares. */
  readonly fresh: boolean;
  /** May wait in a child behind another short task. False for redelivered messages and for tasks not measured to be short. */
  readonly pipelined: boolean;
}

/** How one execution ended. `durationMs` is the run time in the child; `pid` the child. */
export type Outcome =
  | { readonly kind: 'succeeded'; readonly resultJson: string; readonly durationMs: number; readonly pid: number }
  | {
      readonly kind: 'failed';
      readonly exception: RemoteException;
      /** As Python's repr, `Name(args)`; for events and logs. */
      readonly exceptionRepr: string;
      readonly traceback: string;
      /** False where running it again cannot help (arguments that do not bind). */
      readonly retryable: boolean;
      readonly durationMs: number;
      readonly pid: number;
    }
  /** Its body cannot be read: no user code ran. */
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly reason: string; readonly durationMs: number; readonly pid: number }
  /** The task asked to be run again. */
  | {
      readonly kind: 'retry';
      readonly exception: RemoteException | null;
      readonly exceptionRepr: string;
      readonly traceback: string;
      /** Milliseconds from now, or null for the task's own policy. */
      readonly countdownMs: number | null;
      /** Replaces args and kwargs where the task gave new ones: JSON text of `[args, kwargs]`. */
      readonly argumentsJson: string | null;
      /** Overrides of the task's policy for this retry. */
      readonly maxRetries: number | null | undefined;
      readonly durationMs: number;
      readonly pid: number;
    }
  /** The task asked for the message to be ignored, or rejected. */
  | { readonly kind: 'ignored'; readonly durationMs: number; readonly pid: number }
  | { readonly kind: 'rejected'; readonly requeue: boolean; readonly reason: string; readonly durationMs: number; readonly pid: number }
  /** The hard limit was reached and the child killed. */
  | { readonly kind: 'timed-out'; readonly limitS: number; readonly pid: number }
  /** The process ended under it. `cause` as `signal 9 (SIGKILL)` or `exitcode 0`. */
  | { readonly kind: 'lost'; readonly cause: string; readonly pid: number }
  /** It never began: taken back, or the pool closed. */
  | { readonly kind: 'aborted' }
  /** It began, and was ended by us (drain deadline, terminate). */
  | { readonly kind: 'terminated'; readonly signal: string; readonly pid: number };

/** What a running task asks of the parent: publish a call. Resolves with the task id, or rejects. */
export interface ChildCall {
  /** JSON text of the call as protocol's encodeCall takes it. */
  readonly callJson: string;
  readonly parent: Request;
}

/**
 * Why a child process went: replaced after so many tasks, for its memory, for its age, or because code of a failed task may still run in it
 * (`tainted`); killed at a hard limit or by `terminate` (or a drain's deadline); by itself (`crash`); before it was ready (`start`); after the only
 * task it was started for (`fresh`); or not needed any more (`released`: a reload, fewer slots, the end of the worker).
 */
export const CHILD_EXIT_REASONS = [
  'max-tasks',
  'memory',
  'age',
  'tainted',
  'timeout',
  'terminated',
  'crash',
  'start',
  'fresh',
  'released',
] as const;

export type ChildExitReason = (typeof CHILD_EXIT_REASONS)[number];

export interface PoolEvents {
  /** The job began; exactly once before its outcome, never for `aborted`. */
  onStarted(job: Job, pid: number): void;
  /** Exactly once for every submitted job. */
  onOutcome(job: Job, outcome: Outcome): void;
  /** Room appeared: submit may accept again. Called at most once a turn. */
  onRoom(): void;
  /** A child process is gone. */
  onChildExit?(reason: ChildExitReason): void;
  onLog(entry: {
    readonly job: Job | null;
    readonly level: 'debug' | 'info' | 'warn' | 'error';
    readonly text: string;
    readonly fields: Readonly<Record<string, unknown>>;
  }): void;
  onCall(call: ChildCall): Promise<string>;
}

/** Executes requests; inside packages/worker only. Implementations: prefork (processes), threads, solo. */
export interface Pool {
  /** Starts the children; resolves with what the task modules register. Rejects with CELERIAC_E_TASK_MODULE (file and line) or CELERIAC_E_CHILD. */
  start(): Promise<TaskManifest>;
  /** Slots, and how many are free of running and of waiting jobs. */
  readonly slots: { readonly total: number; readonly free: number };
  /** Pids of the children, in slot order. */
  readonly pids: readonly number[];
  /** How many jobs `submit` would take now, where `pipelined` jobs may also wait behind short ones. */
  room(pipelined: boolean): number;
  /** Books a slot in this synchronous step, or returns false and does nothing. Jobs of one turn travel in one frame per child. */
  submit(job: Job): boolean;
  /** Hands back what was queued behind a task that turned out long and waits for a slot: `aborted`, in this call, the last first. */
  takeBack(): void;
  /** Ends one running job by a signal (default SIGTERM; the child is replaced); false where it is not running here. */
  terminate(taskId: string, signal: NodeJS.Signals): boolean;
  resize(slots: number): Promise<void>;
  /**
   * Replaces every child with one that has loaded the task modules anew, each after its current job. Resolves with the new manifest.
   * `onLoaded` is called with it earlier: when new jobs go to new children only. Rejects with CELERIAC_E_TASK_MODULE or CELERIAC_E_CHILD and
   * keeps the old children. A reload during another takes it over.
   */
  reload(onLoaded?: (manifest: TaskManifest) => void): Promise<TaskManifest>;
  /** Aborts what has not begun, waits for what runs until the signal aborts, then kills it (`terminated`). Resolves when no child lives. */
  close(deadline: AbortSignal): Promise<void>;
}
