import { CeleriacError, type TaskCall, type TaskNeeds } from '@celeriac/protocol';

/** Options of one call. Celery's names keep Celery's units: seconds. */
export interface ApplyOptions {
  /** Seconds from now before it may run. Not together with `eta`. */
  readonly countdown?: number;
  /** Earliest time to run. */
  readonly eta?: Date;
  /** Seconds from now, or the instant, after which it is not run any more but REVOKED. */
  readonly expires?: number | Date;
  /** Redis: 0 (first) to 9 in steps of 3; RabbitMQ: higher goes first, on queues with x-max-priority. Default: the broker's. */
  readonly priority?: number;
  /** Queue to send to; beats routes. */
  readonly queue?: string;
  /** Routing key; beats routes. Without an exchange it names a queue of the default exchange. */
  readonly routingKey?: string;
  readonly exchange?: string;
  /** What this call needs, over what its contract says, field by field. Needs `pools` of the client. It does not travel: it chooses the queue. */
  readonly resources?: TaskNeeds;
  /** Custom headers, flat beside Celery's; put trace context here. */
  readonly headers?: Readonly<Record<string, unknown>>;
  /** Default: a new UUID. Sending the same id again loses nothing, but may run the task twice. */
  readonly taskId?: string;
  /** Hard limit in seconds; the task's process is killed. */
  readonly timeLimit?: number;
  /** Soft limit in seconds; ctx.signal aborts, in Python SoftTimeLimitExceeded is raised. */
  readonly softTimeLimit?: number;
  /** Store no result. Default: what the task says. */
  readonly ignoreResult?: boolean;
  /** Display name for logs and events. */
  readonly shadow?: string;
  /** `gzip` is what Celery calls so: a zlib stream. Default none. */
  readonly compression?: 'gzip' | 'deflate' | null;
}

/** What was called: name and arguments. */
export interface CallTarget {
  readonly name: string;
  readonly args: readonly unknown[];
  readonly kwargs: Readonly<Record<string, unknown>>;
}

const MAX_ID_CHARACTERS = 255;

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

function requireNonNegative(value: number | undefined, what: string): void {
  if (value !== undefined && !(Number.isFinite(value) && value >= 0)) {
    throw new CeleriacError('CELERIAC_E_ARGUMENTS', `${what} must be a number of seconds, zero or more, not ${value}`);
  }
}

/**
 * Turns a call and its options into what the protocol encodes. Pure: handed the time and the id.
 * @throws CeleriacError CELERIAC_E_ARGUMENTS for options that contradict each other or are out of range
 */
export function toTaskCall(target: CallTarget, options: ApplyOptions, at: { nowMs: number; newId: string; origin: string }): TaskCall {
  const { countdown, eta, taskId, timeLimit, softTimeLimit } = options;
  if (countdown !== undefined && eta !== undefined) throw new CeleriacError('CELERIAC_E_ARGUMENTS', 'give countdown or eta, not both');
  requireNonNegative(timeLimit, 'timeLimit');
  requireNonNegative(softTimeLimit, 'softTimeLimit');
  requireNonNegative(countdown, 'countdown');
  if (timeLimit !== undefined && softTimeLimit !== undefined && softTimeLimit > timeLimit) {
    throw new CeleriacError('CELERIAC_E_ARGUMENTS', `softTimeLimit (${softTimeLimit} s) is longer than timeLimit (${timeLimit} s)`);
  }
  const id = taskId ?? at.newId;
  if (id.length === 0 || id.length > MAX_ID_CHARACTERS) {
    throw new CeleriacError('CELERIAC_E_TASK_ID', `taskId must have 1 to ${MAX_ID_CHARACTERS} characters, not ${id.length}`);
  }
  const call: Writable<TaskCall> = { name: target.name, args: target.args, kwargs: target.kwargs, taskId: id, origin: at.origin };
  if (eta !== undefined) call.eta = eta;
  else if (countdown !== undefined) call.eta = new Date(at.nowMs + countdown * 1000);
  if (options.expires !== undefined) {
    call.expires = typeof options.expires === 'number' ? new Date(at.nowMs + options.expires * 1000) : options.expires;
  }
  if (timeLimit !== undefined) call.timeLimitS = timeLimit;
  if (softTimeLimit !== undefined) call.softTimeLimitS = softTimeLimit;
  if (options.ignoreResult !== undefined) call.ignoreResult = options.ignoreResult;
  if (options.headers !== undefined) call.headers = options.headers;
  if (options.priority !== undefined) call.priority = options.priority;
  if (options.shadow !== undefined) call.shadow = options.shadow;
  if (options.compression != null) call.compression = options.compression;
  return call;
}
