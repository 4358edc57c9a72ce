import type { Logger } from '@celeriac/brokers';
import type { PoolConfig } from '../config/pools-config.ts';
import type { KubernetesConnection } from '../kubernetes/connection.ts';
import type { PoolTally } from '../tally/tally.ts';
import type { Killed } from './kubernetes/killed.ts';
import type { OrphanGuard } from './local/orphan-guard.ts';
import type { ReplicaOutput } from './local/replica-process.ts';
import type { Target } from './target.ts';

/** What targets may need beside their configuration. */
export interface TargetContext {
  readonly logger: Logger;
  readonly now: () => number;
  readonly isTaken: (nodename: string) => boolean;
  readonly env: Readonly<Record<string, string | undefined>> | undefined;
  readonly output: ReplicaOutput;
  /** First words of commands that stand for others, such as `celeriac` for this very program. */
  readonly programs: Readonly<Record<string, readonly string[]>>;
  /** Counts of the pool, for metrics. */
  readonly tally: PoolTally;
  /** One connection for all pools on Kubernetes, opened with the first. */
  readonly kubernetes: () => Promise<KubernetesConnection>;
  /** Of Deployments that name none; undefined: that of the credentials. */
  readonly namespace: string | undefined;
  /** Whether targets that others could write as well may be written now; asked at the last moment of every write. */
  readonly mayWrite: () => boolean;
  /** A replica was ended by force while tasks ran in it. */
  readonly onKilled?: ((pool: string, killed: Killed) => void) | undefined;
  /** A shrink took these replicas in place of those that were meant. */
  readonly onWrongVictim?: ((pool: string, replicas: readonly string[]) => void) | undefined;
  /** One guard for all local pools, started with the first. */
  readonly guard: () => Promise<OrphanGuard>;
}

/** Makes a pool's target, loading only its kind. Throws CELERIAC_E_CONFIG for a kind that is not there. */
export async function createTarget({ spec, target }: PoolConfig, context: TargetContext): Promise<Target> {
  if (target.kind === 'deployment') {
    const [{ DeploymentTarget }, { countedScale }] = await Promise.all([
      import('./kubernetes/deployment-target.ts'),
      import('../tally/counted-scale.ts'),
    ]);
    const { pool, mode } = spec;
    const { tally } = context;
    const connection = await context.kubernetes();
    return new DeploymentTarget({
      pool,
      config: target,
      connection: { ...connection, scale: countedScale(connection.scale, tally) },
      namespace: context.namespace,
      annotates: mode === 'on' || mode === 'up-only',
      protects: target.protectBusy === true && (mode === 'off' || mode === 'dry-run'),
      logger: context.logger,
      now: context.now,
      mayWrite: context.mayWrite,
      onKilled: (killed) => {
        tally.add('tasks_killed', killed.cause, killed.tasks);
        context.onKilled?.(pool, killed);
      },
      onWrongVictim: (replicas) => {
        tally.add('wrong_victims', 'replica', replicas.length);
        context.onWrongVictim?.(pool, replicas);
      },
    });
  }
  const { LocalTarget } = await import('./local/local-target.ts');
  const [program = '', ...args] = target.command;
  return new LocalTarget({
    pool: spec.pool,
    queues: spec.queues.map((queue) => queue.name),
    slotsPerReplica: spec.slotsPerReplica,
    command: [...(context.programs[program] ?? [program]), ...args],
    cwd: target.cwd,
    env: context.env,
    output: context.output,
    startTimeoutMs: target.startTimeoutMs,
    logger: context.logger,
    now: context.now,
    guard: await context.guard(),
    isTaken: context.isTaken,
  });
}
