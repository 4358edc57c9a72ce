import type { Embed, Request } from '@celeriac/protocol';
import type { Outcome } from '../pool/pool.ts';
import type { TaskOptions } from '../tasks/manifest.ts';
import type { Follow } from './follow.ts';
import { ACK, type MessageEnd, NOTHING } from './settlement.ts';

/** What a plan is made from. Pure data: the time and the random number are handed in. */
export interface Ended {
  readonly outcome: Exclude<Outcome, { readonly kind: 'aborted' }>;
  readonly request: Request;
  readonly options: TaskOptions;
  /** The queue its delivery came from. */
  readonly queue: string;
  /** Its message is acknowledged already. */
  readonly acked: boolean;
  /** Starts of the message known to have ended in loss before this one. */
  readonly losses: number;
  /** What follows it; null where nothing does, which is told without decoding the body. */
  readonly embed: Embed | null;
  /** Why the pool ended a `terminated` run. */
  readonly endedBy: 'drain' | 'remote control';
  /** Whether results are stored at all. */
  readonly hasBackend: boolean;
  readonly nowMs: number;
  /** From 0 up to 1, for the jitter of a retry. */
  readonly random: number;
  /** Makes publications of what follows. */
  readonly follow: Follow;
}

/** Whether a result of this request is stored: the message decides, then the task. */
export function storesResult(ended: Pick<Ended, 'request' | 'options' | 'hasBackend'>): boolean {
  return ended.hasBackend && !(ended.request.ignoreResult ?? ended.options.ignoreResult ?? false);
}

/** Acknowledge, unless that was done at the start. */
export function ackUnlessDone(ended: Pick<Ended, 'acked'>): MessageEnd {
  return ended.acked ? NOTHING : ACK;
}

/** `name[id]`, as Celery's log lines have it. */
export function nameOf(request: Pick<Request, 'taskName' | 'id'>): string {
  return `${request.taskName}[${request.id}]`;
}
