/**
 * Waits for the promises of many items with few continuations: items that come one after the other with the same promise, as those of
 * one turn of the event loop do where a transport batches, share one.
 */
export class Gather<Item, Value> {
  readonly #onDone: (item: Item, value: Value) => void;
  readonly #onFailed: (item: Item, error: unknown) => void;
  #last: Promise<Value> | undefined;
  #items: Item[] = [];
  #pending = 0;

  constructor(onDone: (item: Item, value: Value) => void, onFailed: (item: Item, error: unknown) => void) {
    this.#onDone = onDone;
    this.#onFailed = onFailed;
  }

  add(item: Item, promise: Promise<Value>): void {
    this.#pending += 1;
    if (promise === this.#last) {
      this.#items.push(item);
      return;
    }
    const items = [item];
    this.#last = promise;
    this.#items = items;
    promise.then(
      (value) => this.#end(promise, items, (one) => this.#onDone(one, value)),
      (error: unknown) => this.#end(promise, items, (one) => this.#onFailed(one, error)),
    );
  }

  /** Items whose promise has not settled. */
  get pending(): number {
    return this.#pending;
  }

  #end(promise: Promise<Value>, items: readonly Item[], each: (item: Item) => void): void {
    if (this.#last === promise) this.#last = undefined;
    this.#pending -= items.length;
    for (const item of items) each(item);
  }
}
