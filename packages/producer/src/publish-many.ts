import type { Signature } from './signature.ts';

export interface PublishManyOptions {
  /** How many messages may be on their way at once; the source is read only while there is room. Default 1,000. */
  readonly maxInFlight?: number;
  /** `stop` (default) ends at the first failure and rejects with it; `continue` counts it; a function is told of each. */
  readonly onError?: 'stop' | 'continue' | ((error: unknown, signature: Signature<never[], unknown>) => void);
  /** Stops reading the source; what is on its way is waited for, then the call rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

export interface PublishManyReport {
  /** Messages the broker has. */
  readonly published: number;
  readonly failed: number;
  /** The first failure, or undefined. */
  readonly firstError: unknown;
}

type AnySignature = Signature<never[], unknown>;

/**
 * Publishes everything a source yields, with back-pressure. Resolves when the broker has answered for each.
 * @param publish publishes one; resolves when the broker has it
 */
export async function publishMany(
  source: AsyncIterable<AnySignature> | Iterable<AnySignature>,
  publish: (signature: AnySignature) => Promise<unknown>,
  options: PublishManyOptions = {},
): Promise<PublishManyReport> {
  const maxInFlight = options.maxInFlight ?? 1_000;
  const onError = options.onError ?? 'stop';
  let inFlight = 0;
  let published = 0;
  let failed = 0;
  let firstError: unknown;
  let wake: (() => void) | undefined;

  const landed = (): void => {
    inFlight -= 1;
    // Half the window: whoever waits then refills it in one go, so that messages keep travelling in batches.
    if (inFlight <= maxInFlight >> 1) wake?.();
  };
  const succeeded = (): void => {
    published += 1;
    landed();
  };
  const until = (bound: number): Promise<void> | undefined => {
    if (inFlight < bound) return undefined;
    return new Promise((resolve) => {
      wake = () => {
        if (inFlight >= bound) return;
        wake = undefined;
        resolve();
      };
    });
  };
  const stopped = (): boolean => options.signal?.aborted === true || (onError === 'stop' && failed > 0);
  const send = (signature: AnySignature): void => {
    inFlight += 1;
    publish(signature).then(succeeded, (error: unknown) => {
      failed += 1;
      firstError ??= error;
      if (typeof onError === 'function') onError(error, signature);
      landed();
    });
  };

  if (Symbol.asyncIterator in source) {
    for await (const signature of source) {
      if (stopped()) break;
      send(signature);
      if (inFlight >= maxInFlight) await until(maxInFlight);
    }
  } else {
    for (const signature of source) {
      if (stopped()) break;
      send(signature);
      if (inFlight >= maxInFlight) await until(maxInFlight);
    }
  }
  await until(1);
  options.signal?.throwIfAborted();
  if (onError === 'stop' && failed > 0) throw firstError;
  return { published, failed, firstError };
}
