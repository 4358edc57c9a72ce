/** Why and how the demo ends: asked to by a key or a signal, or because something broke. */
export interface Ending {
  /** Aborts when it is to end before its time. */
  readonly asked: AbortSignal;
  /** Aborts at a second signal, more than a second later: what still runs is given back. */
  readonly hurry: AbortSignal;
  /** Resolves when `asked` aborts. */
  readonly whenAsked: Promise<void>;
  /** By the key q, or Ctrl-C as a key: with the exit code that the signal would have given. */
  quit(exitCode: number): void;
  /** Something broke: says so, and ends with 1. */
  broke(error: unknown): void;
}

const EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
const HURRY_AFTER_MS = 1_000;

/** Listens to signals, and to what nobody has caught, so that the workers are drained whatever happens. */
export function awaitEnding(say: (text: string) => void): Ending {
  const asked = new AbortController();
  const hurry = new AbortController();
  const whenAsked = Promise.withResolvers<void>();
  let firstMs: number | undefined;
  const quit = (exitCode: number): void => {
    if (firstMs === undefined) {
      firstMs = performance.now();
      process.exitCode ??= exitCode;
      asked.abort(new Error('stopped'));
      whenAsked.resolve();
    } else if (performance.now() - firstMs > HURRY_AFTER_MS) hurry.abort();
  };
  const broke = (error: unknown): void => {
    process.exitCode = 1;
    say(`broken      ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    quit(1);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => quit(EXIT_CODES[signal]));
  process.on('uncaughtException', broke).on('unhandledRejection', broke);
  process.stdout.on('error', () => {}); // the terminal may be gone before the workers are
  return { asked: asked.signal, hurry: hurry.signal, whenAsked: whenAsked.promise, quit, broke };
}
