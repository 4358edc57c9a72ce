import { CeleriacError } from '@celeriac/protocol';
import type { Delivery, QuarantineReason } from '../delivery.ts';
import type { StoredMessage } from './memory-broker.ts';

/** What a delivery asks of its consumer when it ends. */
export interface MemoryClaim {
  readonly queue: string;
  readonly stored: StoredMessage;
  started: boolean;
  /** `held` until settled or lost. */
  state: 'held' | 'settled' | 'lost';
  lost: AbortController | undefined;
}

/** How a claim can end; each runs at most once. */
export interface Settlements {
  ack(claim: MemoryClaim): void;
  reject(claim: MemoryClaim): void;
  requeue(claim: MemoryClaim, lost: boolean): void;
  park(claim: MemoryClaim, dueAtMs: number): void;
  quarantine(claim: MemoryClaim, reason: QuarantineReason): void;
}

/** The settle-once handle of one claim. Bodies over `maxBodyBytes` come as unreadable. */
export function createMemoryDelivery(claim: MemoryClaim, settlements: Settlements, maxBodyBytes: number): Delivery {
  const { message, exchange, routingKey, redelivered, losses } = claim.stored;
  const settle = async (end: () => void): Promise<void> => {
    if (claim.state === 'settled') return;
    if (claim.state === 'lost') {
      throw new CeleriacError('CELERIAC_E_CONNECTION', `the claim on a message of queue '${claim.queue}' was lost before it was settled`);
    }
    claim.state = 'settled';
    end();
  };
  const refusal = {
    code: 'CELERIAC_E_TOO_LARGE' as const,
    reason: `the body has ${message.body.byteLength} bytes, over the limit of ${maxBodyBytes}`,
    id: typeof message.headers.id === 'string' ? message.headers.id : null,
    taskName: typeof message.headers.task === 'string' ? message.headers.task : null,
  };
  return {
    queue: claim.queue,
    content: message.body.byteLength > maxBodyBytes ? { kind: 'unreadable', refusal } : { kind: 'message', message, exchange, routingKey },
    sizeBytes: message.body.byteLength,
    redelivered,
    losses,
    lossesAreComplete: true,
    get lost() {
      claim.lost ??= new AbortController();
      if (claim.state === 'lost') claim.lost.abort();
      return claim.lost.signal;
    },
    markStarted() {
      claim.started = true;
      return undefined;
    },
    ack: () => settle(() => settlements.ack(claim)),
    reject: () => settle(() => settlements.reject(claim)),
    requeue: ({ lost }) => settle(() => settlements.requeue(claim, lost)),
    park: (dueAtMs) => settle(() => settlements.park(claim, dueAtMs)),
    quarantine: (reason) => settle(() => settlements.quarantine(claim, reason)),
  };
}
