import { isCeleriacError } from '@celeriac/protocol';

/** How a publish that the broker did not take is tried again; Celery's task_publish_retry_policy in milliseconds. */
export interface PublishRetryPolicy {
  /** Retries after the first try; 0 for none. Default 3. */
  readonly maxRetries?: number;
  /** Wait before the first retry. Default 0. */
  readonly intervalStartMs?: number;
  /** Added for each further one. Default 200. */
  readonly intervalStepMs?: number;
  /** Bound of one wait. Default 1,000. */
  readonly intervalMaxMs?: number;
}

/**
 * Tries again only what the broker certainly did not take (CELERIAC_E_PUBLISH), and begins no try after `timeoutMs`; a publish of uncertain
 * fate is the caller's to decide. Costs one continuation where the first try succeeds.
 * @throws the last error
 */
export function retryRefusedPublish(publish: () => Promise<void>, timeoutMs: number, policy: PublishRetryPolicy = {}): Promise<void> {
  const startedAtMs = performance.now();
  return publish().catch((error: unknown) => tryAgain(publish, error, startedAtMs + timeoutMs, policy));
}

async function tryAgain(publish: () => Promise<void>, error: unknown, untilMs: number, policy: PublishRetryPolicy): Promise<void> {
  const { maxRetries = 3, intervalStartMs = 0, intervalStepMs = 200, intervalMaxMs = 1_000 } = policy;
  let last = error;
  for (let retry = 0; ; retry += 1) {
    const waitMs = Math.min(intervalStartMs + retry * intervalStepMs, intervalMaxMs);
    const isLate = performance.now() + waitMs >= untilMs;
    if (retry >= maxRetries || isLate || !isCeleriacError(last, 'CELERIAC_E_PUBLISH')) throw last;
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    try {
      return await publish();
    } catch (failure) {
      last = failure;
    }
  }
}
