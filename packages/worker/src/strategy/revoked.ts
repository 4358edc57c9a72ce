/** As celery/worker/state.py: how many revoked ids are kept, and for how long. */
const MAX_IDS = 50_000;
const KEPT_MS = 10_800_000;

/** Revoked task ids, bounded by number and age (celery/utils/collections.py LimitedSet). Handed the time, no clock of its own. */
export class RevokedIds {
  readonly #addedAtMs = new Map<string, number>();
  readonly #maxIds: number;
  readonly #keptMs: number;

  constructor(bounds: { readonly maxIds?: number; readonly keptMs?: number } = {}) {
    this.#maxIds = bounds.maxIds ?? MAX_IDS;
    this.#keptMs = bounds.keptMs ?? KEPT_MS;
  }

  add(id: string, nowMs: number): void {
    this.#addedAtMs.delete(id);
    this.#addedAtMs.set(id, nowMs);
    this.#forget(nowMs);
  }

  has(id: string, nowMs: number): boolean {
    const at = this.#addedAtMs.get(id);
    return at !== undefined && nowMs - at <= this.#keptMs;
  }

  get isEmpty(): boolean {
    return this.#addedAtMs.size === 0;
  }

  /** Oldest first. */
  list(nowMs: number): string[] {
    this.#forget(nowMs);
    return [...this.#addedAtMs.keys()];
  }

  #forget(nowMs: number): void {
    for (const [id, at] of this.#addedAtMs) {
      if (this.#addedAtMs.size <= this.#maxIds && nowMs - at <= this.#keptMs) return;
      this.#addedAtMs.delete(id);
    }
  }
}
