import { pythonQuote, pythonRepr } from '../json/python-repr.ts';
import { stringifyJson } from '../json/stringify.ts';
import type { RemoteException } from './result-meta.ts';

/** JavaScript's own errors as the Python built-ins nearest to them. */
const BUILTINS: ReadonlyMap<string, string> = new Map([
  ['Error', 'Exception'],
  ['TypeError', 'TypeError'],
  ['RangeError', 'ValueError'],
  ['SyntaxError', 'SyntaxError'],
  ['ReferenceError', 'NameError'],
  ['URIError', 'ValueError'],
  ['EvalError', 'Exception'],
  ['TimeoutError', 'TimeoutError'],
  ['AggregateError', 'Exception'],
]);

const CLASS_NAME = /^[A-Za-z_$][\w$.]{0,254}$/;

/** An exception as Celery writes it. `module` null lets Python make a class of that name. */
export function remoteException(name: string, args: readonly unknown[], module: string | null): RemoteException {
  return { exc_type: name, exc_message: args, exc_module: module };
}

/**
 * Whatever was thrown, as Python re-raises it: `TypeError` stays, `RangeError` becomes `ValueError`, `Error` becomes `Exception`, a class of the user's
 * keeps its name. An error may choose its Python identity with the fields `excType`, `excModule` and `excArgs`. Never throws.
 */
export function toRemoteException(error: unknown): RemoteException {
  try {
    return identify(error);
  } catch {
    return remoteException('Exception', ['something was thrown that cannot be examined'], 'builtins');
  }
}

function identify(error: unknown): RemoteException {
  if (typeof error !== 'object' || error === null) return remoteException('Exception', [serializable(error)], 'builtins');
  if (isRemoteException(error)) return error;
  const { excType, excModule, excArgs, message, name } = error as Record<string, unknown>;
  const args = Array.isArray(excArgs)
    ? excArgs.map(serializable)
    : typeof message === 'string'
      ? message === ''
        ? []
        : [message]
      : [serializable(error)];
  if (typeof excType === 'string' && CLASS_NAME.test(excType))
    return remoteException(excType, args, typeof excModule === 'string' ? excModule : null);
  const own = className(error, name);
  const builtin = BUILTINS.get(own);
  return builtin === undefined ? remoteException(own, args, null) : remoteException(builtin, args, 'builtins');
}

function className(error: object, name: unknown): string {
  // A subclass that does not set `name` inherits that of its parent: its constructor says more.
  const maker: unknown = error.constructor;
  const constructed = typeof maker === 'function' ? maker.name : '';
  const named = typeof name === 'string' && CLASS_NAME.test(name) ? name : '';
  if (named !== '' && !BUILTINS.has(named)) return named;
  if (CLASS_NAME.test(constructed) && error instanceof Error) return constructed;
  return named === '' ? 'Error' : named;
}

function serializable(value: unknown): unknown {
  if (typeof value === 'function' || typeof value === 'symbol') return String(value);
  try {
    stringifyJson(value);
    return value;
  } catch {
    return pythonRepr(value);
  }
}

/** Whether a value is an exception in Celery's form. */
export function isRemoteException(value: unknown): value is RemoteException {
  return typeof value === 'object' && value !== null && 'exc_type' in value && typeof value.exc_type === 'string' && 'exc_message' in value;
}

/** As Python's `repr`: `ValueError('text', 1)`. Cut at 1,024 characters; for logs and events. */
export function exceptionRepr(exception: RemoteException): string {
  const { exc_message: message } = exception;
  const args = Array.isArray(message) ? (message as readonly unknown[]) : message == null ? [] : [message];
  const shown = args.map((arg) => (typeof arg === 'string' ? pythonQuote(arg.slice(0, 1024)) : pythonRepr(arg)));
  return `${exception.exc_type.slice(exception.exc_type.lastIndexOf('.') + 1)}(${shown.join(', ').slice(0, 2048)})`;
}

/** billiard's WorkerLostError; `text` such as `Worker exited prematurely: signal 9 (SIGKILL) Job: 3.` */
export function workerLost(text: string): RemoteException {
  return remoteException('WorkerLostError', [text], 'billiard.exceptions');
}

/** The hard limit was reached. */
export function timeLimitExceeded(seconds: number): RemoteException {
  return remoteException('TimeLimitExceeded', [seconds], 'billiard.exceptions');
}

/** The soft limit was reached and the task did not catch it. Python raises it without arguments. */
export function softTimeLimitExceeded(seconds?: number): RemoteException {
  return remoteException('SoftTimeLimitExceeded', seconds === undefined ? [] : [seconds], 'billiard.exceptions');
}

/** `why` is `revoked`, `expired` or `terminated`. */
export function taskRevoked(why: string): RemoteException {
  return remoteException('TaskRevokedError', [why], 'celery.exceptions');
}

export function notRegistered(taskName: string): RemoteException {
  return remoteException('NotRegistered', [taskName], 'celery.exceptions');
}

export function maxRetriesExceeded(text: string): RemoteException {
  return remoteException('MaxRetriesExceededError', [text], 'celery.exceptions');
}
