import { notRegistered, type Refusal, type RemoteException, type Request, remoteException, taskRevoked } from '@celeriac/protocol';
import type { Verdict } from '../strategy/verdict.ts';
import { nameOf } from './ended.ts';
import { withRepr } from './fault.ts';
import { exceptionRecord } from './records.ts';
import { ACK, type MessageEnd, NO_PUBLICATIONS, NO_STORES, type Settlement } from './settlement.ts';

/** What is known where nothing was run. */
export interface Unstarted {
  readonly request: Request;
  readonly queue: string;
  readonly storesResult: boolean;
  readonly nowMs: number;
}

type Drop = Extract<Verdict, { readonly kind: 'drop' }>;
type QuarantineVerdict = Extract<Verdict, { readonly kind: 'quarantine' }>;

/** The end of a request that strategy does not let run (celery/worker/consumer/consumer.py on_unknown_task, Request.maybe_expire, revoked). */
export function planDrop(unstarted: Unstarted, why: Exclude<Drop['why'], 'already-succeeded'>): Settlement {
  const { request, nowMs } = unstarted;
  if (why === 'unknown-task') {
    const exception = notRegistered(request.taskName);
    return failure(unstarted, exception, { kind: 'reject' }, `Received unregistered task of type '${request.taskName}'.`, 'failed');
  }
  const expired = why === 'expired';
  return {
    kind: 'revoked',
    stores: unstarted.storesResult ? [exceptionRecord({ request, nowMs }, 'REVOKED', taskRevoked(why), null)] : NO_STORES,
    publish: NO_PUBLICATIONS,
    ending: ACK,
    report: () => ({
      event: { type: 'task-revoked', fields: { uuid: request.id, terminated: false, signum: null, expired } },
      level: 'info',
      text: `Discarding ${expired ? 'expired' : 'revoked'} task: ${nameOf(request)}`,
      fields: {},
    }),
  };
}

/** A request put away: a FAILURE for whoever waits, the message kept as evidence. */
export function planQuarantine(unstarted: Unstarted, verdict: QuarantineVerdict, exception: RemoteException): Settlement {
  const ending: MessageEnd = { kind: 'quarantine', code: verdict.code, reason: verdict.reason };
  return failure(unstarted, exception, ending, `Task ${nameOf(unstarted.request)} quarantined: ${verdict.reason}`, 'quarantined');
}

/** A message that is no request: the same, as far as it says whose it was. The log line has nothing of its body. */
export function planRefusal(
  refusal: Refusal,
  from: { readonly queue: string; readonly sizeBytes: number; readonly hasBackend: boolean; readonly nowMs: number },
): Settlement {
  const exception = refusalException(refusal);
  const stores =
    refusal.id === null || !from.hasBackend
      ? NO_STORES
      : [exceptionRecord({ request: { id: refusal.id, groupId: null, parentId: null }, nowMs: from.nowMs }, 'FAILURE', exception, null)];
  return {
    kind: 'quarantined',
    stores,
    publish: NO_PUBLICATIONS,
    ending: { kind: 'quarantine', code: refusal.code, reason: refusal.reason },
    report: () => ({
      event: refusal.id === null ? null : { type: 'task-rejected', fields: { uuid: refusal.id, requeue: false } },
      level: 'warn',
      text: `message quarantined: ${refusal.reason}`,
      fields: { code: refusal.code, queue: from.queue, sizeBytes: from.sizeBytes, taskId: refusal.id, taskName: refusal.taskName },
    }),
  };
}

/** How a refusal reads to whoever waits for the result: the classes Celery has for it. */
export function refusalException(refusal: Pick<Refusal, 'code' | 'reason'>): RemoteException {
  const text = `${refusal.code}: ${refusal.reason}`;
  return refusal.code === 'CELERIAC_E_CONTENT_TYPE'
    ? remoteException('ContentDisallowed', [text], 'kombu.exceptions')
    : remoteException('InvalidTaskError', [text], 'celery.exceptions');
}

function failure(unstarted: Unstarted, exception: RemoteException, ending: MessageEnd, text: string, kind: Settlement['kind']): Settlement {
  const { request, nowMs } = unstarted;
  const { exceptionRepr } = withRepr(exception, '');
  return {
    kind,
    stores: unstarted.storesResult ? [exceptionRecord({ request, nowMs }, 'FAILURE', exception, null)] : NO_STORES,
    publish: NO_PUBLICATIONS,
    ending,
    report: () => ({
      event: { type: 'task-failed', fields: { uuid: request.id, exception: exceptionRepr, traceback: null } },
      level: ending.kind === 'quarantine' ? 'warn' : 'error',
      text,
      fields: { queue: unstarted.queue, ...(ending.kind === 'quarantine' ? { code: ending.code } : {}) },
    }),
  };
}
