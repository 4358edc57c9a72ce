/** A second signal that comes sooner is taken for the same keystroke. */
const HURRY_AFTER_MS = 1_000;

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** SIGINT, SIGTERM and SIGHUP, listened to until `off`. */
export interface StopSignals {
  /** Resolves at the first one. */
  readonly first: Promise<void>;
  /** Aborts at a second one, more than a second later. */
  readonly hurry: AbortSignal;
  off(): void;
}

export function stopSignals(): StopSignals {
  const first = Promise.withResolvers<void>();
  const hurry = new AbortController();
  let firstMs: number | undefined;
  const onSignal = (): void => {
    if (firstMs === undefined) {
      firstMs = performance.now();
      first.resolve();
    } else if (performance.now() - firstMs > HURRY_AFTER_MS) hurry.abort();
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  return {
    first: first.promise,
    hurry: hurry.signal,
    off() {
      for (const signal of SIGNALS) process.off(signal, onSignal);
    },
  };
}
