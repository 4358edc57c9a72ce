/** A hash: fields in insertion order. */
export class Hash {
  readonly #fields = new Map<string, string>();
  /** Payload in bytes. */
  bytes = 0;

  get size(): number {
    return this.#fields.size;
  }

  get fields(): ReadonlyMap<string, string> {
    return this.#fields;
  }

  get(field: string): string | undefined {
    return this.#fields.get(field);
  }

  has(field: string): boolean {
    return this.#fields.has(field);
  }

  /** Answers whether the field is new. */
  set(field: string, value: string): boolean {
    const old = this.#fields.get(field);
    this.bytes += old === undefined ? field.length + value.length : value.length - old.length;
    this.#fields.set(field, value);
    return old === undefined;
  }

  delete(field: string): boolean {
    const old = this.#fields.get(field);
    if (old === undefined) return false;
    this.bytes -= field.length + old.length;
    return this.#fields.delete(field);
  }
}
