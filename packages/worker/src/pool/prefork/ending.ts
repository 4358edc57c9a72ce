import { ERROR_CODES, type ErrorCode, parseJson, type RemoteException, stringifyJson } from '@celeriac/protocol';
import type { Outcome } from '../pool.ts';

type Ended = Extract<Outcome, { readonly kind: 'succeeded' | 'failed' | 'refused' | 'retry' | 'ignored' | 'rejected' }>;
type Bare<T> = T extends unknown ? Omit<T, 'durationMs' | 'pid'> : never;

/** How a task ended as its child tells it: an outcome without what the parent adds. */
export type Ending = Bare<Ended>;

/** An ending that is not a success. */
export type OtherEnding = Exclude<Ending, { readonly kind: 'succeeded' }>;

/** The text of an ending for its frame. Total: what cannot be written becomes its bare essentials. */
export function writeEnding(ending: OtherEnding): string {
  try {
    return stringifyJson(ending);
  } catch {
    if (ending.kind !== 'failed' && ending.kind !== 'retry') return stringifyJson({ kind: 'ignored' });
    const { exception } = ending;
    return stringifyJson({ ...ending, exception: exception === null ? null : { ...exception, exc_message: [ending.exceptionRepr] } });
  }
}

/** Reads what a child wrote, or undefined where it is not an ending: a child's word is checked like a stranger's. */
export function readEnding(text: string): OtherEnding | undefined {
  let value: Record<string, unknown>;
  try {
    value = parseJson(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  switch (value['kind']) {
    case 'failed':
      return readFailed(value);
    case 'refused':
      return isErrorCode(value['code']) ? { kind: 'refused', code: value['code'], reason: textOf(value['reason']) } : undefined;
    case 'retry':
      return readRetry(value);
    case 'ignored':
      return { kind: 'ignored' };
    case 'rejected':
      return { kind: 'rejected', requeue: value['requeue'] === true, reason: textOf(value['reason']) };
    default:
      return undefined;
  }
}

function readFailed(value: Record<string, unknown>): OtherEnding | undefined {
  const exception = readException(value['exception']);
  if (exception === undefined) return undefined;
  return {
    kind: 'failed',
    exception,
    exceptionRepr: textOf(value['exceptionRepr']),
    traceback: textOf(value['traceback']),
    retryable: value['retryable'] === true,
  };
}

function readRetry(value: Record<string, unknown>): OtherEnding | undefined {
  const exception = value['exception'] === null ? null : readException(value['exception']);
  const countdownMs = value['countdownMs'];
  const maxRetries = value['maxRetries'];
  const argumentsJson = value['argumentsJson'];
  if (exception === undefined) return undefined;
  if (countdownMs !== null && !(typeof countdownMs === 'number' && countdownMs >= 0)) return undefined;
  if (maxRetries !== undefined && maxRetries !== null && !Number.isSafeInteger(maxRetries)) return undefined;
  return {
    kind: 'retry',
    exception,
    exceptionRepr: textOf(value['exceptionRepr']),
    traceback: textOf(value['traceback']),
    countdownMs,
    argumentsJson: typeof argumentsJson === 'string' ? argumentsJson : null,
    maxRetries: maxRetries as number | null | undefined,
  };
}

function readException(value: unknown): RemoteException | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { exc_type, exc_message, exc_module } = value as Record<string, unknown>;
  if (typeof exc_type !== 'string' || (exc_module !== null && typeof exc_module !== 'string')) return undefined;
  return { exc_type, exc_message, exc_module };
}

function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(ERROR_CODES, value);
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
