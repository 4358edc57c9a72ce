import type { ResultBackend } from '@celeriac/brokers';
import { CeleriacError, READY_STATES, type RemoteException, type ResultMeta, TaskError } from '@celeriac/protocol';

export interface GetOptions {
  /** How long to wait, in milliseconds; absent waits until the signal aborts. 0 looks once. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** The result to come of one task. Not thenable: awaiting a call waits for the broker, not for the task. */
export class AsyncResult<Result = unknown> {
  /** The task id. */
  readonly id: string;
  readonly #backend: () => Promise<ResultBackend>;

  /** @param backend opens the result backend; rejects with CELERIAC_E_NO_BACKEND where none is configured */
  constructor(id: string, backend: () => Promise<ResultBackend>) {
    this.id = id;
    this.#backend = backend;
  }

  /**
   * Waits for the task and returns its value.
   * @throws CeleriacError CELERIAC_E_TASK_FAILED (its `cause` is a TaskError with the remote class, arguments and traceback),
   * CELERIAC_E_TASK_REVOKED, CELERIAC_E_RESULT_TIMEOUT, CELERIAC_E_NO_BACKEND, or the signal's reason.
   */
  async get(options: GetOptions = {}): Promise<Result> {
    const backend = await this.#backend();
    const meta = options.timeoutMs === 0 ? await this.#lookOnce(backend) : await this.#wait(backend, options);
    return resultOf<Result>(meta);
  }

  /** The Celery state now: PENDING also where the id is unknown, or its result has expired. */
  async status(): Promise<string> {
    const backend = await this.#backend();
    return (await backend.fetch(this.id))?.status ?? 'PENDING';
  }

  /** The whole result record, or undefined where there is none. */
  async meta(): Promise<ResultMeta | undefined> {
    const backend = await this.#backend();
    return await backend.fetch(this.id);
  }

  /** Deletes the stored result. */
  async forget(): Promise<void> {
    const backend = await this.#backend();
    await backend.forget(this.id);
  }

  async #lookOnce(backend: ResultBackend): Promise<ResultMeta> {
    const meta = await backend.fetch(this.id);
    if (meta === undefined || !READY_STATES.has(meta.status)) throw this.#late(0);
    return meta;
  }

  async #wait(backend: ResultBackend, { timeoutMs, signal }: GetOptions): Promise<ResultMeta> {
    signal?.throwIfAborted();
    const waiting = new AbortController();
    const stop = () => waiting.abort(signal?.reason);
    signal?.addEventListener('abort', stop, { once: true });
    const timer = timeoutMs === undefined ? undefined : setTimeout(() => waiting.abort(this.#late(timeoutMs)), timeoutMs);
    try {
      return await backend.watch(this.id, waiting.signal);
    } catch (error) {
      throw waiting.signal.aborted ? waiting.signal.reason : error;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', stop);
    }
  }

  #late(timeoutMs: number): CeleriacError {
    return new CeleriacError(
      'CELERIAC_E_RESULT_TIMEOUT',
      `no result of task ${this.id} within ${timeoutMs} ms; it may still be waiting or running, be unknown, or store no result`,
      { data: { taskId: this.id, timeoutMs } },
    );
  }
}

function resultOf<Result>(meta: ResultMeta): Result {
  if (meta.status === 'SUCCESS') return meta.result as Result;
  const cause = new TaskError(meta.result as RemoteException, meta.traceback);
  const code = meta.status === 'REVOKED' ? 'CELERIAC_E_TASK_REVOKED' : 'CELERIAC_E_TASK_FAILED';
  throw new CeleriacError(code, `task ${meta.task_id} ended in ${meta.status}: ${cause.message}`, {
    cause,
    data: { taskId: meta.task_id, status: meta.status },
  });
}
