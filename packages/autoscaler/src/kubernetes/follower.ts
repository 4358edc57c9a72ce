/** What a list-watch tells of the objects it keeps. */
export interface Follower<T> {
  /** An object is new or has changed. */
  put(object: T, before: T | undefined): void;
  /** An object is gone; its last state. */
  drop(object: T): void;
  /** `synced` or the reason why it is not may have changed. */
  turned(): void;
}

/** How a list-watch is doing. Times are ms of the clock it was given. */
export interface ListWatchState {
  /** Whether what is kept is the newest state: listed afresh since the watch last broke, and followed without a gap since. */
  readonly synced: boolean;
  /** When the server was last heard of this collection; null before the first time. */
  readonly contactAtMs: number | null;
  /** Lists that replaced the whole, the first included. */
  readonly relists: number;
  /** Watches that broke or expired. */
  readonly restarts: number;
  /** Objects of which a check list said otherwise than the cache. */
  readonly differences: number;
  /** Why it is not synced, or what happened last; null when nothing did. */
  readonly error: string | null;
  /** Refused for good as it seems (403, 404): asked again ever more rarely. */
  readonly unavailable: boolean;
  readonly objects: number;
}

/** Times and sizes of a list-watch. */
export interface ListWatchLimits {
  /** The server is asked to end a watch after this, drawn anew each time. Default 240 to 300. */
  readonly watchSeconds: readonly [least: number, most: number];
  /** A watch without a byte for so long is dead. Default 90,000: one and a half times between two bookmarks. */
  readonly byteIdleMs: number;
  /** How often the whole is listed and compared. Default 300,000, a tenth to either side. */
  readonly checkEveryMs: number;
  /** After a check list, events on their way are waited for. Default 2,000. */
  readonly settleMs: number;
  /** Objects asked for at a time. Default 500, as client-go has it. */
  readonly pageSize: number;
  readonly backoff: { readonly firstMs: number; readonly mostMs: number };
  /** The longest wait where it is refused. Default 60,000. */
  readonly refusedMs: number;
}

/** See {@link ListWatchLimits}. */
export const LIST_WATCH_LIMITS: ListWatchLimits = {
  watchSeconds: [240, 300],
  byteIdleMs: 90_000,
  checkEveryMs: 300_000,
  settleMs: 2_000,
  pageSize: 500,
  backoff: { firstMs: 500, mostMs: 30_000 },
  refusedMs: 60_000,
};
