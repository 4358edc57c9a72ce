import { parseJson, pythonRepr, remoteException, taskRevoked, timeLimitExceeded, workerLost } from '@celeriac/protocol';
import type { Outcome } from '../pool/pool.ts';
import { lostText } from '../strategy/choose.ts';
import type { TaskOptions } from '../tasks/manifest.ts';
import { ackUnlessDone, type Ended, nameOf, storesResult } from './ended.ts';
import { withRepr } from './fault.ts';
import { planFailure } from './plan-failure.ts';
import { planRetry } from './plan-retry.ts';
import { refusalException } from './plan-unstarted.ts';
import { exceptionRecord, successRecord } from './records.ts';
import { ACK, type MessageEnd, NO_PUBLICATIONS, NO_STORES, NOTHING, type Report, type Settlement } from './settlement.ts';

/** What has to be done about an outcome, in order (celery-wire 7.1 and 7.2, with DESIGN 5: store, publish what follows, then ack). */
export function plan(ended: Ended): Settlement {
  const { outcome } = ended;
  switch (outcome.kind) {
    case 'succeeded':
      return planSuccess(ended, outcome.resultJson, outcome.durationMs);
    case 'failed':
      return shouldRetry(ended.options, outcome)
        ? planRetry(ended, { ...outcome, countdownMs: null, argumentsJson: null, maxRetries: undefined })
        : planFailure(ended, outcome, afterFailure(ended));
    case 'refused':
      return planRefused(ended, outcome);
    case 'retry':
      return planRetry(ended, outcome);
    case 'ignored':
      return quiet('ignored', ackUnlessDone(ended), () => line(ended, 'info', 'ignored'));
    case 'rejected':
      return planRejection(ended, outcome.requeue, outcome.reason);
    case 'timed-out':
      return planFailure(ended, withRepr(timeLimitExceeded(outcome.limitS), ''), ackUnlessDone(ended));
    case 'lost':
      return planLoss(ended, outcome.cause);
    case 'terminated':
      return planTermination(ended, outcome.signal);
  }
}

function planSuccess(ended: Ended, resultJson: string, durationMs: number): Settlement {
  const { request } = ended;
  const following = ended.embed === null ? null : ended.follow.success(request, ended.embed, resultJson, ended.nowMs);
  const stores = storesResult(ended)
    ? [successRecord({ request, nowMs: ended.nowMs }, resultJson, following === null ? undefined : following.childrenJson)]
    : NO_STORES;
  return {
    kind: 'succeeded',
    stores,
    publish: following === null ? NO_PUBLICATIONS : following.publish,
    ending: ackUnlessDone(ended),
    report: () => ({
      event: {
        type: 'task-succeeded',
        fields: { uuid: request.id, result: pythonRepr(parseJson(resultJson)), runtime: durationMs / 1000 },
      },
      level: 'info',
      text: `Task ${nameOf(request)} succeeded in ${(durationMs / 1000).toFixed(3)}s`,
      fields: { durationMs },
    }),
  };
}

/** Put away as what the parent refuses by itself; only acknowledged where that was done at the start. */
function planRefused(ended: Ended, { code, reason }: Extract<Outcome, { readonly kind: 'refused' }>): Settlement {
  const fault = withRepr(refusalException({ code, reason }), '');
  const settlement = planFailure(ended, fault, ended.acked ? NOTHING : { kind: 'quarantine', code, reason });
  return {
    ...settlement,
    report: () => ({
      event: { type: 'task-failed', fields: { uuid: ended.request.id, exception: fault.exceptionRepr, traceback: null } },
      level: 'warn',
      text: `Task ${nameOf(ended.request)} ${ended.acked ? 'failed' : 'quarantined'}: ${reason}`,
      fields: { code, queue: ended.queue },
    }),
  };
}

function planRejection(ended: Ended, requeue: boolean, reason: string): Settlement {
  const report = (): Report => ({
    event: { type: 'task-rejected', fields: { uuid: ended.request.id, requeue } },
    level: 'warn',
    text: `Task ${nameOf(ended.request)} rejected${requeue ? ', to be delivered again' : ''}`,
    fields: {},
  });
  if (requeue) return quiet('rejected', ended.acked ? NOTHING : { kind: 'requeue', lost: false }, report);
  const exception = remoteException('Reject', [reason, false], 'celery.exceptions');
  return planFailure(ended, withRepr(exception, ''), ended.acked ? NOTHING : { kind: 'reject' });
}

function planLoss(ended: Ended, cause: string): Settlement {
  const fault = withRepr(workerLost(`Worker exited prematurely: ${cause}.`), '');
  if (ended.acked) return planFailure(ended, fault, NOTHING);
  const losses = ended.losses + 1;
  if (losses >= Math.max(1, ended.options.maxDeliveries ?? 3)) {
    return planFailure(ended, fault, { kind: 'quarantine', code: 'CELERIAC_E_WORKER_LOST', reason: `${lostText(losses)} (${cause})` });
  }
  // Nobody may read STARTED of a task that no longer runs.
  const tracked = storesResult(ended) && ended.options.trackStarted === true;
  const context = { request: ended.request, nowMs: ended.nowMs };
  return {
    kind: 'requeued',
    stores: tracked ? [exceptionRecord(context, 'RETRY', fault.exception, null)] : NO_STORES,
    publish: NO_PUBLICATIONS,
    ending: { kind: 'requeue', lost: true },
    report: () => line(ended, 'warn', `lost its process (${cause}), to be delivered again`),
  };
}

function planTermination(ended: Ended, signal: string): Settlement {
  if (ended.endedBy === 'drain') {
    return ended.acked
      ? planFailure(ended, withRepr(workerLost('Worker shut down before the task had ended.'), ''), NOTHING)
      : quiet('requeued', { kind: 'requeue', lost: false }, () =>
          line(ended, 'warn', 'ended by the drain deadline, to be delivered again'),
        );
  }
  const { request, nowMs } = ended;
  return {
    kind: 'revoked',
    stores: storesResult(ended) ? [exceptionRecord({ request, nowMs }, 'REVOKED', taskRevoked('terminated'), null)] : NO_STORES,
    publish: NO_PUBLICATIONS,
    ending: ackUnlessDone(ended),
    report: () => ({
      event: { type: 'task-revoked', fields: { uuid: request.id, terminated: true, signum: signal, expired: false } },
      level: 'warn',
      text: `Discarding revoked task: ${nameOf(request)}`,
      fields: { signal },
    }),
  };
}

function afterFailure(ended: Ended): MessageEnd {
  if (ended.acked) return NOTHING;
  return ended.options.acksOnFailure === false ? { kind: 'reject' } : ACK;
}

function shouldRetry(options: TaskOptions, outcome: Extract<Outcome, { readonly kind: 'failed' }>): boolean {
  const { autoretryFor = false } = options;
  if (!outcome.retryable || autoretryFor === false) return false;
  if (autoretryFor === true) return true;
  const type = outcome.exception.exc_type;
  return autoretryFor.some((name) => name === type || name === 'Error' || PYTHON_NAMES[name] === type);
}

/** What protocol's toRemoteException makes of JavaScript's own errors. */
const PYTHON_NAMES: Readonly<Record<string, string>> = {
  Exception: 'Exception',
  RangeError: 'ValueError',
  ReferenceError: 'NameError',
  URIError: 'ValueError',
};

function quiet(kind: Settlement['kind'], ending: MessageEnd, report: () => Report): Settlement {
  return { kind, stores: NO_STORES, publish: NO_PUBLICATIONS, ending, report };
}

function line(ended: Ended, level: Report['level'], what: string): Report {
  return { event: null, level, text: `Task ${nameOf(ended.request)} ${what}`, fields: {} };
}
