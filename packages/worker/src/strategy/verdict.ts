import type { ErrorCode } from '@celeriac/protocol';

/** What strategy says of a request. */
export type Verdict =
  | { readonly kind: 'run' }
  /** Not before `untilMs` (epoch milliseconds). */
  | { readonly kind: 'hold'; readonly untilMs: number }
  /** Not run; `state` is recorded for whoever waits. */
  | {
      readonly kind: 'drop';
      readonly why: 'expired' | 'revoked' | 'unknown-task' | 'already-succeeded';
      readonly state: 'REVOKED' | 'FAILURE' | null;
    }
  /** Put away with a reason; a FAILURE is recorded where there is a usable id. */
  | { readonly kind: 'quarantine'; readonly code: ErrorCode; readonly reason: string };
