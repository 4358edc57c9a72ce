import type { ResultMeta } from '@celeriac/protocol';
import type { GetOptions, ResultReader } from './result-reader.ts';

/** The result to come of one task. Not thenable: awaiting a call waits for the broker, not for the task. */
export class AsyncResult<Result = unknown> {
  /** The task id. */
  readonly id: string;
  readonly #reader: () => Promise<ResultReader>;

  /** @param reader opens the result backend; rejects with CELERIAC_E_NO_BACKEND where none is configured */
  constructor(id: string, reader: () => Promise<ResultReader>) {
    this.id = id;
    this.#reader = reader;
  }

  /**
   * Waits for the task and returns its value.
   * @throws CeleriacError CELERIAC_E_TASK_FAILED (its `cause` is a TaskError with the remote class, arguments and traceback),
   * CELERIAC_E_TASK_REVOKED, CELERIAC_E_RESULT_TIMEOUT, CELERIAC_E_NO_BACKEND, or the signal's reason.
   */
  async get(options: GetOptions = {}): Promise<Result> {
    return (await (await this.#reader()).get(this.id, options)) as Result;
  }

  /** The Celery state now: PENDING also where the id is unknown, or its result has expired. */
  async status(): Promise<string> {
    return (await this.meta())?.status ?? 'PENDING';
  }

  /** The whole result record, or undefined where there is none. */
  async meta(): Promise<ResultMeta | undefined> {
    return await (await this.#reader()).meta(this.id);
  }

  /** Deletes the stored result. */
  async forget(): Promise<void> {
    await (await this.#reader()).forget(this.id);
  }
}
