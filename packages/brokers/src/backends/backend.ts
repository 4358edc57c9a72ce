import type { ResultMeta } from '@celeriac/protocol';
import type { Logger } from '../observe/logger.ts';

/** A result on its way into the backend: the record is already text in Celery's format. */
export interface StoredResult {
  readonly taskId: string;
  /** Celery state, for example SUCCESS, FAILURE, RETRY, STARTED, REVOKED. */
  readonly status: string;
  /** The whole meta object as JSON text, `status` first (celery/backends/base.py `_get_result_meta`). */
  readonly metaJson: string;
}

/**
 * Where results are kept, in Celery's own format. A stored SUCCESS is never overwritten.
 * Results stored in one turn of the event loop travel together.
 */
export interface ResultBackend {
  /** Resolves true when stored, false when a SUCCESS stood already and was kept. */
  store(result: StoredResult): Promise<boolean>;
  fetch(taskId: string): Promise<ResultMeta | undefined>;
  /** Resolves with the first final meta (SUCCESS, FAILURE, REVOKED); rejects when the signal aborts. Listens only while somebody waits. */
  watch(taskId: string, signal: AbortSignal): Promise<ResultMeta>;
  forget(taskId: string): Promise<void>;
  /** Counts one more start of a redelivered task; resolves with the number of starts counted so far, this one included. Kept for a day. */
  countStart(taskId: string): Promise<number>;
  /** How many starts {@link countStart} has counted so far; 0 when none. */
  startsCounted(taskId: string): Promise<number>;
  /** Counts anew from here on: the message is put away, and whoever puts it back means it. */
  forgetStarts(taskId: string): Promise<void>;
  close(): Promise<void>;
}

export interface ResultBackendOptions {
  /** As Celery's result_backend. May hold a password; never logged. */
  readonly url: string;
  /** Seconds a result is kept; default 86,400; 0 keeps it for ever. Celery's result_expires. */
  readonly resultExpires?: number;
  /** Celery's `result_backend_transport_options` in camelCase: `globalKeyprefix`, `masterName`, ... */
  readonly transportOptions?: Readonly<Record<string, unknown>>;
  readonly logger?: Logger;
}
