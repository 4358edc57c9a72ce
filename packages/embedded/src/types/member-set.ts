/** An unordered set of members. */
export class MemberSet {
  readonly #members = new Set<string>();
  /** Payload in bytes. */
  bytes = 0;

  get size(): number {
    return this.#members.size;
  }

  get members(): ReadonlySet<string> {
    return this.#members;
  }

  has(member: string): boolean {
    return this.#members.has(member);
  }

  add(member: string): boolean {
    if (this.#members.has(member)) return false;
    this.#members.add(member);
    this.bytes += member.length;
    return true;
  }

  delete(member: string): boolean {
    if (!this.#members.delete(member)) return false;
    this.bytes -= member.length;
    return true;
  }
}
