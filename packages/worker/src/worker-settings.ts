import { availableParallelism, hostname } from 'node:os';
import { type Logger, type QueueDeclaration, silentLogger } from '@celeriac/brokers';
import { CeleriacError, createPoolRouter, type PoolRouter, type RoutingConfig } from '@celeriac/protocol';
import type { WorkerOptions } from './worker-options.ts';

/** Every option with its default filled in. */
export interface WorkerSettings {
  readonly options: WorkerOptions;
  readonly nodename: string;
  readonly slots: number;
  readonly queues: readonly QueueDeclaration[];
  readonly routing: RoutingConfig;
  readonly router: PoolRouter | undefined;
  readonly limits: { readonly timeLimitS: number | null; readonly softTimeLimitS: number | null };
  readonly drainTimeoutMs: number;
  readonly logger: Logger;
}

/** Fills in defaults. Throws CELERIAC_E_CONFIG, naming the option. */
export function settleOptions(options: WorkerOptions): WorkerSettings {
  const slots = options.concurrency ?? availableParallelism();
  if (!Number.isInteger(slots) || slots < 1 || slots > 1_024) throw wrong('concurrency', 'a whole number from 1 to 1,024');
  if (options.modules.length === 0) throw wrong('modules', 'at least one task module');
  const queues = (options.queues ?? ['celery']).map((queue) => (typeof queue === 'string' ? { name: queue } : queue));
  if (queues.length === 0) throw wrong('queues', 'at least one queue');
  const timeLimitS = seconds('timeLimit', options.timeLimit);
  const softTimeLimitS = seconds('softTimeLimit', options.softTimeLimit);
  const drainTimeoutMs = options.drainTimeoutMs ?? 25_000;
  if (!(drainTimeoutMs >= 0 && drainTimeoutMs < 2 ** 31)) throw wrong('drainTimeoutMs', 'milliseconds, 0 or more');
  return {
    options,
    nodename: options.nodename ?? `celery@${hostname()}`,
    slots,
    queues,
    routing: options.routing ?? {},
    router: options.pools === undefined ? undefined : createPoolRouter(options.pools),
    limits: { timeLimitS, softTimeLimitS },
    drainTimeoutMs,
    logger: options.logger ?? silentLogger,
  };
}

/** Settings as `inspect conf` shows them: Celery's names, without secrets. */
export function confOf({ slots, queues, limits, options }: WorkerSettings): Readonly<Record<string, unknown>> {
  return {
    broker_url: '********',
    result_backend: options.backend === undefined ? null : '********',
    worker_concurrency: slots,
    task_default_queue: options.routing?.taskDefaultQueue ?? 'celery',
    task_queues: queues.map(({ name }) => name),
    task_acks_late: true,
    task_time_limit: limits.timeLimitS,
    task_soft_time_limit: limits.softTimeLimitS,
    worker_max_tasks_per_child: options.maxTasksPerChild ?? null,
    worker_send_task_events: options.taskEvents ?? false,
    result_expires: options.resultExpires ?? 86_400,
  };
}

function seconds(name: string, value: number | undefined): number | null {
  if (value === undefined) return null;
  if (!(value > 0 && value < 2 ** 31 / 1_000)) throw wrong(name, 'seconds above 0');
  return value;
}

function wrong(name: string, needed: string): CeleriacError {
  return new CeleriacError('CELERIAC_E_CONFIG', `${name}: ${needed} is needed`);
}
