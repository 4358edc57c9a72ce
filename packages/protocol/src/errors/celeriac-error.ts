import type { ErrorCode } from './codes.ts';

/** What a {@link CeleriacError} carries beside its text. */
export interface CeleriacErrorDetails {
  /** Machine-readable facts, free of secrets and of task arguments. */
  readonly data?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/**
 * The one error class of Celeriac. `code` is stable and listed in docs/errors.md; `message` says what happened, where, and what to do.
 * Test for it by `code`, not by `instanceof`: two copies of a package may live in one process.
 */
export class CeleriacError extends Error {
  override readonly name: string = 'CeleriacError';
  readonly code: ErrorCode;
  readonly data: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, details: CeleriacErrorDetails = {}) {
    super(`${code}: ${message}`, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.data = details.data ?? {};
  }
}

/** Whether `error` is a {@link CeleriacError}, optionally of one code. */
export function isCeleriacError(error: unknown, code?: ErrorCode): error is CeleriacError {
  return error instanceof Error && error.name === 'CeleriacError' && (code === undefined || (error as CeleriacError).code === code);
}
