const BURST = 4;
const REFILL_MS = 250;

/** Lets a few steps through at once and then four a second, so that a nervous credit does not become a stream of protocol requests. */
export interface StepLimit {
  /** Resolves when the next step may be taken; at once for an urgent one. */
  next(urgent: boolean): Promise<void>;
}

export function createStepLimit(): StepLimit {
  let tokens = BURST;
  let filledAtMs = performance.now();
  return {
    async next(urgent) {
      const nowMs = performance.now();
      const refilled = Math.floor((nowMs - filledAtMs) / REFILL_MS);
      tokens = Math.min(BURST, tokens + refilled);
      filledAtMs += refilled * REFILL_MS;
      if (urgent) return;
      if (tokens > 0) {
        tokens--;
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, filledAtMs + REFILL_MS - nowMs));
      filledAtMs += REFILL_MS;
    },
  };
}
