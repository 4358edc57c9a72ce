import { type Ended, nameOf, storesResult } from './ended.ts';
import type { Fault } from './fault.ts';
import { exceptionRecord } from './records.ts';
import { type MessageEnd, NO_PUBLICATIONS, type Settlement } from './settlement.ts';

/** FAILURE stored for it and for the rest of its chain, its errbacks published, then the message ended as told. */
export function planFailure(ended: Ended, fault: Fault, ending: MessageEnd): Settlement {
  const context = { request: ended.request, nowMs: ended.nowMs };
  const stores = storesResult(ended) ? [exceptionRecord(context, 'FAILURE', fault.exception, fault.traceback)] : [];
  const following = ended.embed === null ? null : ended.follow.failure(ended.request, ended.embed, fault, ended.nowMs);
  if (following !== null && ended.hasBackend) stores.push(...following.stores);
  return {
    kind: ending.kind === 'quarantine' ? 'quarantined' : 'failed',
    stores,
    publish: following === null ? NO_PUBLICATIONS : following.publish,
    ending,
    report: () => ({
      event: {
        type: 'task-failed',
        fields: { uuid: ended.request.id, exception: fault.exceptionRepr, traceback: fault.traceback },
      },
      level: 'error',
      text: `Task ${nameOf(ended.request)} raised unexpected: ${fault.exceptionRepr}`,
      fields: { traceback: fault.traceback, ...(ending.kind === 'quarantine' ? { code: ending.code, queue: ended.queue } : {}) },
    }),
  };
}
