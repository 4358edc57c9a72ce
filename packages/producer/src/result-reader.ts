import { createResultBackend, type ResultBackend, type ResultBackendOptions } from '@celeriac/brokers';
import { CeleriacError, READY_STATES, type RemoteException, type ResultMeta, TaskError } from '@celeriac/protocol';

export interface GetOptions {
  /** How long to wait, in milliseconds; absent waits until the signal aborts. 0 looks once. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** Reads results of one backend. Loaded with its driver when the first result is asked for. */
export interface ResultReader {
  /** The value of a task; see AsyncResult.get. */
  get(id: string, options: GetOptions): Promise<unknown>;
  meta(id: string): Promise<ResultMeta | undefined>;
  forget(id: string): Promise<void>;
  close(): Promise<void>;
}

/** Opens the backend of a URL; connects at the first use. */
export async function openResultReader(options: ResultBackendOptions): Promise<ResultReader> {
  const backend = await createResultBackend(options);
  return {
    get: async (id, getOptions) => resultOf(await (getOptions.timeoutMs === 0 ? lookOnce(backend, id) : wait(backend, id, getOptions))),
    meta: (id) => backend.fetch(id),
    forget: (id) => backend.forget(id),
    close: () => backend.close(),
  };
}

async function lookOnce(backend: ResultBackend, id: string): Promise<ResultMeta> {
  const meta = await backend.fetch(id);
  if (meta === undefined || !READY_STATES.has(meta.status)) throw late(id, 0);
  return meta;
}

async function wait(backend: ResultBackend, id: string, { timeoutMs, signal }: GetOptions): Promise<ResultMeta> {
  signal?.throwIfAborted();
  const waiting = new AbortController();
  const stop = () => waiting.abort(signal?.reason);
  signal?.addEventListener('abort', stop, { once: true });
  const timer = timeoutMs === undefined ? undefined : setTimeout(() => waiting.abort(late(id, timeoutMs)), timeoutMs);
  try {
    return await backend.watch(id, waiting.signal);
  } catch (error) {
    throw waiting.signal.aborted ? waiting.signal.reason : error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
  }
}

function late(id: string, timeoutMs: number): CeleriacError {
  return new CeleriacError(
    'CELERIAC_E_RESULT_TIMEOUT',
    `no result of task ${id} within ${timeoutMs} ms; it may still be waiting or running, be unknown, or store no result`,
    { data: { taskId: id, timeoutMs } },
  );
}

function resultOf(meta: ResultMeta): unknown {
  if (meta.status === 'SUCCESS') return meta.result;
  const cause = new TaskError(meta.result as RemoteException, meta.traceback);
  const code = meta.status === 'REVOKED' ? 'CELERIAC_E_TASK_REVOKED' : 'CELERIAC_E_TASK_FAILED';
  throw new CeleriacError(code, `task ${meta.task_id} ended in ${meta.status}: ${cause.message}`, {
    cause,
    data: { taskId: meta.task_id, status: meta.status },
  });
}
