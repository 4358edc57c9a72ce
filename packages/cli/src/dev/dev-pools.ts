import type { PoolsConfig } from '@celeriac/autoscaler';

/** The name of the one pool: `celeriac explain dev`. */
export const DEV_POOL = 'dev';

/** What sizes the workers of `celeriac dev`. */
export interface DevPoolOptions {
  /** As `-A` takes them. */
  readonly modules: readonly string[];
  readonly queues: readonly string[];
  /** Tasks that run at once in one worker. */
  readonly concurrency: number;
  /** Workers at most. */
  readonly max: number;
  /** Time without work before the last worker goes, ms. */
  readonly idleMs: number;
}

/** One pool of local `celeriac worker` processes, from zero and back, quick to grow. */
export function devPools({ modules, queues, concurrency, max, idleMs }: DevPoolOptions): PoolsConfig {
  const flags = ['-A', modules.join(','), '-Q', '{queues}', '-n', '{name}', '-c', '{slots}', '-l', 'info', '--watch'];
  return {
    broker: undefined,
    pools: [
      {
        spec: {
          pool: DEV_POOL,
          queues: queues.map((name) => ({ name, waitGoalMs: 1_000 })),
          slotsPerReplica: concurrency,
          mode: 'on',
          pause: null,
          fixed: null,
          min: 0,
          max,
          idleToZeroMs: idleMs,
          keepWarm: 0,
          downDelayMs: idleMs,
          fallback: null,
          maxUpStep: null,
          maxPending: null,
          expectedServiceMs: 1_000,
          expectedColdStartMs: 500,
          headroom: 0,
        },
        target: {
          kind: 'local',
          command: ['celeriac', 'worker', ...flags],
          cwd: undefined,
          startTimeoutMs: 60_000,
          drainTimeoutMs: 40_000,
        },
      },
    ],
  };
}
