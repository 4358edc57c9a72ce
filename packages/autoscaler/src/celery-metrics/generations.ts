/** A map that forgets what was not asked for lately. */
export interface Generations<Value> {
  get(key: string): Value | undefined;
  set(key: string, value: Value): void;
  /** Whether it was there. */
  delete(key: string): boolean;
  readonly size: number;
}

/**
 * Keeps at least the `most / 2` entries that were set or got last, and at most `most`. Unlike a list by age it moves an entry once in a
 * generation at most.
 */
export function createGenerations<Value>(most: number): Generations<Value> {
  let young = new Map<string, Value>();
  let old = new Map<string, Value>();
  const set = (key: string, value: Value): void => {
    if (young.size >= most / 2) {
      old = young;
      young = new Map();
    }
    young.set(key, value);
  };
  return {
    get(key) {
      const known = young.get(key);
      if (known !== undefined) return known;
      const found = old.get(key);
      if (found === undefined) return undefined;
      old.delete(key);
      set(key, found);
      return found;
    },
    set,
    delete: (key) => young.delete(key) || old.delete(key),
    get size() {
      return young.size + old.size;
    },
  };
}
