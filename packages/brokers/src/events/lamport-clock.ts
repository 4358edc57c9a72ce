/** Celery's logical clock: forwarded before each send, adjusted by what is received (kombu/clocks.py). One per node. */
export interface LamportClock {
  /** Adds one and returns the new value. */
  forward(): number;
  /** Takes a peer's value into account; anything but a finite number is ignored. */
  adjust(other: unknown): void;
  readonly value: number;
}

/** A clock that starts at `initial` (default 0). */
export function createLamportClock(initial = 0): LamportClock {
  let value = initial;
  return {
    forward() {
      value += 1;
      return value;
    },
    adjust(other) {
      if (typeof other === 'number' && Number.isSafeInteger(other) && other >= 0) value = Math.max(value, other) + 1;
    },
    get value() {
      return value;
    },
  };
}
