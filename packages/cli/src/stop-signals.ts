/** A second signal that comes sooner is taken for the same keystroke or group signal. */
const HURRY_AFTER_MS = 1_000;

/** The signals that ask a command to stop, listened to until `off`. */
export interface StopSignals {
  /** Resolves with the first one. */
  readonly first: Promise<NodeJS.Signals>;
  /** Whether there was one. */
  readonly received: boolean;
  /** Aborts at a second one, more than a second later; its reason is the signal's name. */
  readonly hurry: AbortSignal;
  off(): void;
}

export function stopSignals(names: readonly NodeJS.Signals[]): StopSignals {
  const first = Promise.withResolvers<NodeJS.Signals>();
  const hurry = new AbortController();
  let firstMs: number | undefined;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (firstMs === undefined) {
      firstMs = performance.now();
      first.resolve(signal);
    } else if (performance.now() - firstMs > HURRY_AFTER_MS) hurry.abort(signal);
  };
  for (const name of names) process.on(name, onSignal);
  return {
    first: first.promise,
    get received() {
      return firstMs !== undefined;
    },
    hurry: hurry.signal,
    off() {
      for (const name of names) process.off(name, onSignal);
    },
  };
}
