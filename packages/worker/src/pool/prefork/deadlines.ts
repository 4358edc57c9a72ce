/** One timer for all deadlines of a pool. Arming it costs a comparison unless the new deadline is the earliest. */
export class Deadlines {
  readonly #fire: (nowMs: number) => void;
  #timer: NodeJS.Timeout | undefined;
  #armedAtMs = Number.POSITIVE_INFINITY;

  /** `fire` looks at everything and arms what is left; times are milliseconds of `performance.now()`. */
  constructor(fire: (nowMs: number) => void) {
    this.#fire = fire;
  }

  arm(atMs: number): void {
    if (atMs >= this.#armedAtMs) return;
    this.#armedAtMs = atMs;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(
      () => {
        this.#armedAtMs = Number.POSITIVE_INFINITY;
        this.#fire(performance.now());
      },
      Math.min(2 ** 31 - 1, Math.max(1, atMs - performance.now())),
    );
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#armedAtMs = Number.POSITIVE_INFINITY;
  }
}
