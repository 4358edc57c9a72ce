import type { TaskManifest } from '../../tasks/manifest.ts';

/** What a parent tells a child at its start, as JSON in its argument. */
export interface ChildConfig {
  /** Task modules: paths or package names. */
  readonly modules: readonly string[];
  /** Folder that paths and packages are seen from. */
  readonly cwd: string;
  /** A task that took this long voids what is queued behind it. */
  readonly voidMs: number;
  /** 0 for no limit. */
  readonly maxMemoryKib: number;
  /** The longest result in bytes of JSON. */
  readonly maxResultBytes: number;
}

/** What a child says when it is ready. */
export interface ChildHello {
  readonly manifest: TaskManifest;
  readonly rssKib: number;
}

/** Why a child could not load the task modules. */
export interface ChildLoadFailure {
  readonly code: string;
  readonly message: string;
  readonly data: Readonly<Record<string, unknown>>;
  /** Stack of the cause, cut. */
  readonly stack: string;
}
