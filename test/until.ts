import { setTimeout as pause } from 'node:timers/promises';

export interface UntilOptions {
  /** Default 30,000: a bound, never waited out by what works. */
  readonly timeoutMs?: number;
  /** Time between two looks. Default 25. */
  readonly everyMs?: number;
  /** What is waited for; part of the error when time is up. */
  readonly what?: string;
}

/** Asks again and again until the answer is truthy, and returns it; rejects when time is up. For peers that send no event. */
export async function until<T>(ask: () => T | Promise<T>, options: UntilOptions = {}): Promise<NonNullable<T>> {
  const deadline = performance.now() + (options.timeoutMs ?? 30_000);
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (performance.now() > deadline) {
      throw new Error(
        `${options.timeoutMs ?? 30_000} ms passed without ${options.what ?? 'the awaited answer'}; last seen: ${String(answer)}`,
      );
    }
    await pause(options.everyMs ?? 25);
  }
}

/** Whether a promise is still pending after this time: the only way to see that something does not happen. */
export async function staysPending(promise: Promise<unknown>, forMs: number): Promise<boolean> {
  const pending = Symbol('pending');
  return (await Promise.race([promise, pause(forMs, pending)])) === pending;
}

/** Lets time pass where time itself is what a test is about (a lease that runs out, arrivals at random moments); says why. */
export async function letTimePass(forMs: number, _why: string): Promise<void> {
  await pause(forMs);
}
