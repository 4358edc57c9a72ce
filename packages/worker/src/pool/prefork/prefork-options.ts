import type { PoolEvents } from '../pool.ts';

/** Node's permission model for children. Paths are absolute; `*` allows all. What tasks import must be readable. */
export interface ChildPermission {
  readonly allowFsRead: readonly string[];
  readonly allowFsWrite?: readonly string[];
  /** Default false. */
  readonly allowChildProcess?: boolean;
  /** Default false. */
  readonly allowWorker?: boolean;
  /** Default false. */
  readonly allowAddons?: boolean;
}

/** What must not reach user code through the environment. */
export interface ChildSecrets {
  /** Variables that hold broker or backend addresses, whatever their values. */
  readonly names: readonly string[];
  /** Secret URLs: every variable whose value contains one of them is withheld too. */
  readonly values: readonly string[];
}

/** Figures that tests and benchmarks turn; nobody else should need to. */
export interface PreforkTuning {
  /** Most jobs in one child, the running one included. Default 64; less where tasks take longer, so that about 20 ms of work wait. */
  readonly pipelineDepth?: number;
  /** A task that takes this long has nothing queued behind it. Default 20. */
  readonly voidMs?: number;
  /** A child that was sent work and says nothing for this long is killed; the work had not begun and goes elsewhere. Default 10,000. */
  readonly stallMs?: number;
  /** From the start of a child to its readiness. Default 60,000. */
  readonly startTimeoutMs?: number;
  /** From the signal of `terminate` to SIGKILL, for tasks that catch the signal. Default 5,000. */
  readonly terminateGraceMs?: number;
  /** Longest result in bytes of JSON. Default 64 MiB. */
  readonly maxResultBytes?: number;
}

/** Options of {@link createPreforkPool}. */
export interface PreforkOptions {
  /** Task modules: paths (`.ts`, `.js`, `.mjs`) or package names, as seen from `cwd`. */
  readonly modules: readonly string[];
  /** Child processes that run tasks, 1 or more; one spare is kept beside them. */
  readonly slots: number;
  /** Environment of the children, before secrets are taken out. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly secrets?: ChildSecrets;
  readonly events: PoolEvents;
  /** Default: the folder of this process. */
  readonly cwd?: string;
  /** Replace a child after this many tasks; null (default) for never. */
  readonly maxTasksPerChild?: number | null;
  /** Replace a child whose resident memory is over this, in KiB, once a task ends and the replacement is warm; null (default) for never. */
  readonly maxMemoryPerChildKib?: number | null;
  /** Replace a child this long after it became ready, once a task ends and the replacement is warm; null (default) for never. */
  readonly maxAgePerChildMs?: number | null;
  /** Default: children are not restricted. */
  readonly permission?: ChildPermission;
  readonly tuning?: PreforkTuning;
}

/** Every option with its default filled in. */
export interface PreforkSettings extends Required<PreforkTuning> {
  readonly modules: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly secrets: ChildSecrets;
  readonly maxTasksPerChild: number;
  readonly maxMemoryPerChildKib: number;
  readonly maxAgePerChildMs: number;
  readonly permission: ChildPermission | undefined;
}

/** Fills in defaults; bounds that are off become Infinity, except memory, which becomes 0. */
export function settle(options: PreforkOptions, cwd: string): PreforkSettings {
  const { tuning = {} } = options;
  return {
    modules: options.modules,
    cwd: options.cwd ?? cwd,
    env: options.env,
    secrets: options.secrets ?? { names: [], values: [] },
    maxTasksPerChild: options.maxTasksPerChild ?? Number.POSITIVE_INFINITY,
    maxMemoryPerChildKib: options.maxMemoryPerChildKib ?? 0,
    maxAgePerChildMs: options.maxAgePerChildMs ?? Number.POSITIVE_INFINITY,
    permission: options.permission,
    pipelineDepth: tuning.pipelineDepth ?? 64,
    voidMs: tuning.voidMs ?? 20,
    stallMs: tuning.stallMs ?? 10_000,
    startTimeoutMs: tuning.startTimeoutMs ?? 60_000,
    terminateGraceMs: tuning.terminateGraceMs ?? 5_000,
    maxResultBytes: tuning.maxResultBytes ?? 64 * 1_024 * 1_024,
  };
}
