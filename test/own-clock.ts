// Time as this process could see it, for bounds that are promises of ours and not of the machine.

const TICK_MS = 20;

/** Counts the time since its start and stands still while this process is not let run, which on a busy machine may be for seconds. */
export class OwnClock implements Disposable {
  readonly #timer: NodeJS.Timeout;
  #elapsedMs = 0;

  constructor() {
    this.#timer = setInterval(() => {
      this.#elapsedMs += TICK_MS; // what was missed is not made up for
    }, TICK_MS);
  }

  get elapsedMs(): number {
    return this.#elapsedMs;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
