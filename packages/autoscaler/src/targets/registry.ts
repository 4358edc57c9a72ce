import type { Logger } from '@celeriac/brokers';
import { CeleriacError } from '@celeriac/protocol';
import type { PoolConfig } from '../config/pools-config.ts';
import type { KubernetesConnection } from '../kubernetes/connection.ts';
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
  /** One connection for all pools on Kubernetes, opened with the first. */
  readonly kubernetes: () => Promise<KubernetesConnection>;
  /** One guard for all local pools, started with the first. */
  readonly guard: () => Promise<OrphanGuard>;
}

/** Makes a pool's target, loading only its kind. Throws CELERIAC_E_CONFIG for a kind that is not there. */
export async function createTarget({ spec, target }: PoolConfig, context: TargetContext): Promise<Target> {
  if (target.kind === 'deployment') {
    throw new CeleriacError('CELERIAC_E_CONFIG', `pool ${spec.pool}: this version scales local processes only, not Deployments`);
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
