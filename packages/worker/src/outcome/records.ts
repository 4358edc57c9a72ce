import type { StoredResult } from '@celeriac/brokers';
import { encodeResultMeta, type RemoteException, type Request, stringifyJson } from '@celeriac/protocol';

/** Makes result records of one request (celery/backends/base.py `_get_result_meta`). */
export interface RecordContext {
  readonly request: Pick<Request, 'id' | 'groupId' | 'parentId'>;
  /** Epoch milliseconds. */
  readonly nowMs: number;
}

/** SUCCESS with the value's JSON text as it came from the child. */
export function successRecord(context: RecordContext, resultJson: string, childrenJson: string | undefined): StoredResult {
  return record(context, 'SUCCESS', resultJson, null, childrenJson);
}

/** FAILURE, RETRY or REVOKED with its exception; null stores null, as Celery does for a retry without one. */
export function exceptionRecord(
  context: RecordContext,
  status: 'FAILURE' | 'RETRY' | 'REVOKED',
  exception: RemoteException | null,
  traceback: string | null,
): StoredResult {
  return record(context, status, exceptionJson(exception), traceback, undefined);
}

/** STARTED with the child and the node that run it. */
export function startedRecord(context: RecordContext, pid: number, nodename: string): StoredResult {
  return record(context, 'STARTED', stringifyJson({ pid, hostname: nodename }), null, undefined);
}

function exceptionJson(exception: RemoteException | null): string {
  if (exception === null) return 'null';
  const { exc_type, exc_message, exc_module } = exception;
  return stringifyJson({ exc_type, exc_message, exc_module });
}

function record(
  { request, nowMs }: RecordContext,
  status: string,
  resultJson: string,
  traceback: string | null,
  childrenJson: string | undefined,
): StoredResult {
  const final = status === 'SUCCESS' || status === 'FAILURE' || status === 'REVOKED';
  const metaJson = encodeResultMeta({
    taskId: request.id,
    status,
    resultJson,
    traceback,
    dateDone: final ? pythonUtcText(nowMs) : null,
    ...(childrenJson === undefined ? {} : { childrenJson }),
    ...(request.groupId === null ? {} : { groupId: request.groupId }),
    ...(request.parentId === null ? {} : { parentId: request.parentId }),
  });
  return { taskId: request.id, status, metaJson };
}

/** An instant as Python's aware `isoformat()` in UTC, with microseconds. */
export function pythonUtcText(epochMs: number): string {
  return `${new Date(epochMs).toISOString().slice(0, -1)}000+00:00`;
}
