/** One remembered wish. */
export interface HighWaterEntry {
  /** Epoch ms. */
  readonly atMs: number;
  readonly replicas: number;
}

/**
 * The wishes of a window that can still be its maximum: strictly falling, oldest and highest first. Holds at most one entry for each
 * count, so it stays small however often it is asked.
 */
export type HighWater = readonly HighWaterEntry[];

/** The window after one more wish: what is older than `windowMs`, and what can no longer be the maximum, is dropped. */
export function raise(window: HighWater, entry: HighWaterEntry, windowMs: number): HighWater {
  const kept = window.filter((earlier) => earlier.atMs + windowMs > entry.atMs && earlier.replicas > entry.replicas);
  return [...kept, entry];
}

/** The highest wish of the window; undefined for an empty one. */
export function highest(window: HighWater): HighWaterEntry | undefined {
  return window[0];
}
