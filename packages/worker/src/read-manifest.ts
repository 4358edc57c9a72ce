import { isBuiltIn } from './tasks/built-in.ts';
import type { TaskManifest } from './tasks/manifest.ts';

/** What {@link readTaskManifest} reads. */
export interface ReadTaskManifestOptions {
  /** Task modules: paths (`.ts`, `.js`, `.mjs`) or package names, seen from `cwd`. */
  readonly modules: readonly string[];
  /** Default: the folder of this process. */
  readonly cwd?: string;
  /** Environment of the process that imports them. Default: none. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/**
 * What task modules register, without what every worker has, read by a child process as a worker's child would read it: nothing of them loads here. Rejects with
 * CELERIAC_E_TASK_MODULE (file and line), CELERIAC_E_DUPLICATE_TASK or CELERIAC_E_CHILD.
 */
export async function readTaskManifest({ modules, cwd, env = {} }: ReadTaskManifestOptions): Promise<TaskManifest> {
  const { createPreforkPool } = await import('./pool/prefork/prefork-pool.ts');
  const nothing = (): void => {};
  const pool = createPreforkPool({
    modules,
    slots: 1,
    env,
    secrets: { names: ['CELERY_BROKER_URL', 'CELERY_RESULT_BACKEND'], values: [] },
    ...(cwd === undefined ? {} : { cwd }),
    events: {
      onStarted: nothing,
      onOutcome: nothing,
      onRoom: nothing,
      onLog: nothing,
      onCall: () => Promise.reject(new Error('no worker')),
    },
  });
  try {
    const { tasks } = await pool.start();
    return { tasks: tasks.filter(({ name }) => !isBuiltIn(name)) };
  } finally {
    await pool.close(AbortSignal.abort());
  }
}
