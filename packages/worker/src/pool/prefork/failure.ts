import {
  type CeleriacError,
  exceptionRepr,
  isCeleriacError,
  type RemoteException,
  remoteException,
  softTimeLimitExceeded,
  stringifyJson,
  toRemoteException,
} from '@celeriac/protocol';
import { type Reject, type Retry, taskErrorKind } from '../../tasks/task-errors.ts';
import type { Ending, OtherEnding } from './ending.ts';

const MAX_TRACEBACK_CHARACTERS = 32 * 1_024;
const MAX_CAUSES = 4;

/** The ending of a run that threw: what the task said by it, or a failure. `original` gives the arguments a retry keeps. */
export function endingOfThrown(
  thrown: unknown,
  original: { readonly args: readonly unknown[]; readonly kwargs: Readonly<Record<string, unknown>> },
): OtherEnding {
  switch (taskErrorKind(thrown)) {
    case 'retry':
      return retryOf(thrown as Retry, original);
    case 'ignore':
      return { kind: 'ignored' };
    case 'reject':
      return { kind: 'rejected', requeue: (thrown as Reject).requeue, reason: (thrown as Reject).message };
    case 'soft-time-limit':
      return failureAs(softTimeLimitExceeded(), tracebackOf(thrown), true);
    default:
      return isSoftAbort(thrown) ? failureAs(softTimeLimitExceeded(), tracebackOf(thrown), true) : failure(thrown, true);
  }
}

/** Node's own functions throw an AbortError whose cause is the signal's reason. */
function isSoftAbort(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.name === 'AbortError' && taskErrorKind(thrown.cause) === 'soft-time-limit';
}

/** The failure of something thrown. */
export function failure(thrown: unknown, retryable: boolean): OtherEnding {
  return failureAs(exceptionOf(thrown), tracebackOf(thrown), retryable);
}

/** Arguments that do not bind: Python's TypeError, which no retry helps. */
export function argumentsFailure(error: CeleriacError): OtherEnding {
  const { pythonMessage } = error.data;
  const text = typeof pythonMessage === 'string' ? pythonMessage : withoutCode(error);
  return failureAs(remoteException('TypeError', [text], 'builtins'), `TypeError: ${text}`, false);
}

/** The failure of a known exception. */
export function failureAs(exception: RemoteException, traceback: string, retryable: boolean): OtherEnding {
  return { kind: 'failed', exception, exceptionRepr: exceptionRepr(exception), traceback, retryable };
}

/** The ending of a value a task returned, which must have a form in JSON of at most `maxResultBytes`. */
export function endingOfValue(value: unknown, maxResultBytes: number): Ending {
  let resultJson: string;
  try {
    resultJson = stringifyJson(value);
  } catch (error) {
    return failure(isCeleriacError(error) ? new TypeError(`the result cannot be stored: ${withoutCode(error)}`) : error, false);
  }
  if (resultJson.length > maxResultBytes)
    return failure(new RangeError(`the result has ${resultJson.length} bytes, at most ${maxResultBytes} are allowed`), false);
  return { kind: 'succeeded', resultJson };
}

function withoutCode(error: { readonly code: string; readonly message: string }): string {
  return error.message.startsWith(`${error.code}: `) ? error.message.slice(error.code.length + 2) : error.message;
}

function retryOf(
  retry: Retry,
  original: { readonly args: readonly unknown[]; readonly kwargs: Readonly<Record<string, unknown>> },
): OtherEnding {
  const { countdown, args, kwargs, maxRetries, cause } = retry.options;
  let argumentsJson: string | null = null;
  if (countdown !== undefined && !(countdown >= 0 && Number.isFinite(countdown)))
    return failure(new RangeError(`retry: countdown must be seconds from now, not ${countdown}`), false);
  try {
    if (args !== undefined || kwargs !== undefined) argumentsJson = stringifyJson([args ?? original.args, kwargs ?? original.kwargs]);
  } catch (error) {
    return failure(error, false);
  }
  const exception = cause === undefined ? null : exceptionOf(cause);
  return {
    kind: 'retry',
    exception,
    exceptionRepr: exception === null ? '' : exceptionRepr(exception),
    traceback: tracebackOf(cause ?? retry),
    countdownMs: countdown === undefined ? null : countdown * 1_000,
    argumentsJson,
    maxRetries,
  };
}

/** Total: an error whose own properties throw is still an error. */
function exceptionOf(thrown: unknown): RemoteException {
  try {
    return toRemoteException(thrown);
  } catch {
    return remoteException('Exception', ['an error that cannot be read'], 'builtins');
  }
}

/** Below the user's function a stack only shows how this worker called it. */
const OUR_FRAME = /\n +at [^\n]*\/pool\/prefork\/execute-job\.[jt]s[\s\S]*$/;

function withoutOurFrames(stack: string): string {
  return stack.replace(OUR_FRAME, '');
}

/** The stack of an error and of its causes, cut. */
export function tracebackOf(thrown: unknown): string {
  const parts: string[] = [];
  try {
    for (let at = thrown, depth = 0; at !== undefined && at !== null && depth < MAX_CAUSES; depth += 1) {
      const text = at instanceof Error && typeof at.stack === 'string' ? withoutOurFrames(at.stack) : `thrown: ${String(at)}`;
      parts.push(depth === 0 ? text : `caused by ${text}`);
      at = at instanceof Error ? at.cause : undefined;
    }
  } catch {
    parts.push('an error that cannot be read');
  }
  const whole = parts.join('\n');
  return whole.length <= MAX_TRACEBACK_CHARACTERS ? whole : `${whole.slice(0, MAX_TRACEBACK_CHARACTERS)}\n... cut`;
}
