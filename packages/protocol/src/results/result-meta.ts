/** Celery's result record as decoded from a backend (celery/backends/base.py `_get_result_meta`). */
export interface ResultMeta {
  readonly task_id: string;
  /** PENDING RECEIVED STARTED SUCCESS FAILURE RETRY REVOKED REJECTED IGNORED, or a custom state. */
  readonly status: string;
  /** The value; for FAILURE, RETRY and REVOKED a {@link RemoteException}. */
  readonly result: unknown;
  readonly traceback: string | null;
  readonly children?: readonly unknown[];
  readonly date_done?: string | null;
  readonly group_id?: string | null;
  readonly parent_id?: string | null;
  readonly [extended: string]: unknown;
}

/** An exception as Celery writes it; Python re-raises it by class. */
export interface RemoteException {
  readonly exc_type: string;
  readonly exc_message: readonly unknown[] | unknown;
  readonly exc_module: string | null;
}

/** States that do not change any more. */
export const READY_STATES: ReadonlySet<string> = new Set(['SUCCESS', 'FAILURE', 'REVOKED']);
