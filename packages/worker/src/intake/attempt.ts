import type { Delivery } from '@celeriac/brokers';
import type { Request } from '@celeriac/protocol';
import type { TaskDescription } from '../tasks/manifest.ts';

/**
 * Where an attempt is: `checking` asks the backend about its past, `held` waits for its eta, `waiting` for a slot, `booked` is in the
 * pool, `running` has begun, `settling` is having its outcome stored and its message acknowledged.
 */
export type Phase = 'checking' | 'held' | 'waiting' | 'booked' | 'running' | 'settling';

/** One request in hand: the delivery it came by, and how far it has come. Mutable, and owned by the parent's event loop alone. */
export interface Attempt {
  readonly delivery: Delivery;
  readonly request: Request;
  readonly task: TaskDescription;
  /** Epoch milliseconds. */
  readonly receivedAtMs: number;
  phase: Phase;
  /** When it may start, while held. */
  heldUntilMs: number;
  startedAtMs: number | null;
  /** The child that runs it. */
  pid: number | null;
  /** Its message is acknowledged already (acksLate: false, and it has begun). */
  acked: boolean;
  /** Its start is recorded with the broker, or need not be. */
  marked: boolean;
  /** Earlier starts known to have ended in loss; where the backend counts, an upper bound, as a first delivery may not have begun. */
  knownLosses: number;
  /** Starts counted with the backend, this one included; 0 where the broker counts. */
  countedStarts: number;
  /** The signal that remote control ends it by. */
  terminatedBy: NodeJS.Signals | null;
}

/** A new attempt, not yet anywhere. */
export function createAttempt(delivery: Delivery, request: Request, task: TaskDescription, nowMs: number): Attempt {
  return {
    delivery,
    request,
    task,
    receivedAtMs: nowMs,
    phase: 'waiting',
    heldUntilMs: 0,
    startedAtMs: null,
    pid: null,
    acked: false,
    marked: false,
    knownLosses: delivery.losses,
    countedStarts: 0,
    terminatedBy: null,
  };
}

/** Whether its message stays claimed until the run has ended. */
export function acksLate(task: TaskDescription): boolean {
  return task.options.acksLate ?? true;
}

/** Starts of one message, when each start ends in the loss of its process. */
export function maxDeliveriesOf(task: TaskDescription): number {
  return Math.max(1, task.options.maxDeliveries ?? 3);
}
