import type { ErrorCode } from '@celeriac/protocol';

/** Exit codes of the `celeriac` command (docs/guide/exit-codes.md). */
export const EXIT = {
  ok: 0,
  /** The operation failed. */
  failure: 1,
  /** The command line is wrong. */
  usage: 2,
  /** A server could not be reached (sysexits EX_UNAVAILABLE). */
  unavailable: 69,
  /** A drain reached its deadline: tasks that still ran were given back (sysexits EX_SOFTWARE). */
  interrupted: 70,
  /** The configuration or a task module is wrong (sysexits EX_CONFIG): starting again will not help. */
  config: 78,
} as const;

const codesByError: Partial<Record<ErrorCode, number>> = {
  CELERIAC_E_URL: EXIT.config,
  CELERIAC_E_CONFIG: EXIT.config,
  CELERIAC_E_TASK_MODULE: EXIT.config,
  CELERIAC_E_DUPLICATE_TASK: EXIT.config,
  CELERIAC_E_EVICTION: EXIT.config,
  CELERIAC_E_NO_BACKEND: EXIT.config,
  CELERIAC_E_CONNECTION: EXIT.unavailable,
};

/** The exit code an error with this code ends the command with. */
export function exitCodeOf(code: ErrorCode): number {
  return codesByError[code] ?? EXIT.failure;
}
