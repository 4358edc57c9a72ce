import type { Publication, StoredResult } from '@celeriac/brokers';
import type { ErrorCode } from '@celeriac/protocol';

/** How the message of a settlement ends. */
export type MessageEnd =
  | { readonly kind: 'ack' }
  | { readonly kind: 'reject' }
  | { readonly kind: 'requeue'; readonly lost: boolean }
  | { readonly kind: 'quarantine'; readonly code: ErrorCode; readonly reason: string }
  /** Acknowledged before. */
  | { readonly kind: 'nothing' };

/** What monitors and logs are told, once it is true. */
export interface Report {
  /** Celery's event type and its own fields; null where there is none. */
  readonly event: { readonly type: string; readonly fields: Readonly<Record<string, unknown>> } | null;
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly text: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** The ordered effects of an outcome: store, publish what follows, end the message, report. */
export interface Settlement {
  /** How it ended, for the counters. */
  readonly kind: 'succeeded' | 'failed' | 'retried' | 'revoked' | 'ignored' | 'rejected' | 'requeued' | 'quarantined' | 'repeated';
  readonly stores: readonly StoredResult[];
  readonly publish: readonly Publication[];
  readonly ending: MessageEnd;
  /** Called at the end; null says nothing. */
  readonly report: (() => Report) | null;
}

export const ACK: MessageEnd = { kind: 'ack' };
export const NOTHING: MessageEnd = { kind: 'nothing' };
export const NO_STORES: readonly StoredResult[] = [];
export const NO_PUBLICATIONS: readonly Publication[] = [];
