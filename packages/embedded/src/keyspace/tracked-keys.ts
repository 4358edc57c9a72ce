/** How a connection wants to hear of changed keys (`CLIENT TRACKING`). */
export interface TrackingMode {
  /** Id of the connection that is told instead; 0 = this one. */
  readonly redirect: number;
  readonly broadcast: boolean;
  readonly prefixes: readonly string[];
  /** `in`: remember only after `CLIENT CACHING yes`; `out`: not after `CLIENT CACHING no`. */
  readonly opt: 'in' | 'out' | 'none';
  /** Do not tell the connection of its own writes. */
  readonly noLoop: boolean;
}

/**
 * Which connections read which keys. As in Redis the table knows no database numbers, and a key is forgotten when its
 * change has been told, so that a reader hears once until it reads again.
 */
export class TrackedKeys {
  readonly #readers = new Map<string, Set<number>>();
  readonly #modes = new Map<number, TrackingMode>();

  get keyCount(): number {
    return this.#readers.size;
  }

  modeOf(clientId: number): TrackingMode | undefined {
    return this.#modes.get(clientId);
  }

  enable(clientId: number, mode: TrackingMode): void {
    this.#modes.set(clientId, mode);
  }

  disable(clientId: number): void {
    if (!this.#modes.delete(clientId)) return;
    for (const [key, readers] of this.#readers) {
      readers.delete(clientId);
      if (readers.size === 0) this.#readers.delete(key);
    }
  }

  remember(clientId: number, key: string): void {
    const readers = this.#readers.get(key);
    if (readers === undefined) this.#readers.set(key, new Set([clientId]));
    else readers.add(clientId);
  }

  /** Whom to tell of a changed key; those are forgotten for it. */
  take(key: string, writerId: number): number[] {
    if (this.#modes.size === 0) return [];
    const told: number[] = [];
    const readers = this.#readers.get(key);
    this.#readers.delete(key);
    for (const [id, mode] of this.#modes) {
      const concerned = mode.broadcast ? mode.prefixes.some((prefix) => key.startsWith(prefix)) : readers?.has(id);
      if (concerned && !(mode.noLoop && id === writerId)) told.push(id);
    }
    return told;
  }

  /** Everything was flushed: everybody who tracks is told. */
  takeAll(): number[] {
    this.#readers.clear();
    return [...this.#modes.keys()];
  }
}
