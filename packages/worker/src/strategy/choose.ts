import type { Request } from '@celeriac/protocol';
import type { Verdict } from './verdict.ts';

/** What is known of a readable request when strategy is asked. */
export interface Facts {
  readonly request: Request;
  /** Starts after which a message whose every start ended in loss is put away; null where the task is not registered here. */
  readonly maxDeliveries: number | null;
  /** Starts of this message that are known to have ended in loss. */
  readonly losses: number;
  /** Whether its id is among the revoked. */
  readonly revoked: boolean;
  /** Whether a redelivered message's own SUCCESS is stored already. */
  readonly succeededBefore: boolean;
}

type Rule = (facts: Facts, nowMs: number) => Verdict | undefined;

const run: Verdict = { kind: 'run' };

/** In this order: the first that says something decides. */
const rules: readonly Rule[] = [
  // First, as what follows a success has to be published even if its message has expired since.
  (facts) => (facts.succeededBefore ? { kind: 'drop', why: 'already-succeeded', state: null } : undefined),
  (facts) => (facts.maxDeliveries === null ? { kind: 'drop', why: 'unknown-task', state: 'FAILURE' } : undefined),
  ({ request }, nowMs) => (isExpired(request, nowMs) ? { kind: 'drop', why: 'expired', state: 'REVOKED' } : undefined),
  (facts) => (facts.revoked ? { kind: 'drop', why: 'revoked', state: 'REVOKED' } : undefined),
  ({ losses, maxDeliveries }) =>
    maxDeliveries !== null && losses >= maxDeliveries
      ? { kind: 'quarantine', code: 'CELERIAC_E_WORKER_LOST', reason: lostText(losses) }
      : undefined,
  ({ request }, nowMs) =>
    request.eta !== null && request.eta.epochMs > nowMs ? { kind: 'hold', untilMs: request.eta.epochMs } : undefined,
];

/** What to do with a request (celery/worker/strategy.py and Request.maybe_expire, with our bound on losses). */
export function choose(facts: Facts, nowMs: number): Verdict {
  for (const rule of rules) {
    const verdict = rule(facts, nowMs);
    if (verdict !== undefined) return verdict;
  }
  return run;
}

/** Whether its `expires` has passed; asked again right before the run. */
export function isExpired(request: Request, nowMs: number): boolean {
  return request.expires !== null && nowMs > request.expires.epochMs;
}

/** The reason of a CELERIAC_E_WORKER_LOST quarantine. */
export function lostText(losses: number): string {
  return `its process or its worker ended while it ran, ${losses} times; it is not started again`;
}
