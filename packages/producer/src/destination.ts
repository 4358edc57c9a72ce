import type { QueueDeclaration } from '@celeriac/brokers';
import type { QueueRoute, Route, RoutingConfig } from '@celeriac/protocol';

/** A queue of Celery's `task_queues`, with what its declaration needs; arguments must equal those of every peer. */
export interface QueueSettings extends QueueRoute {
  readonly arguments?: Readonly<Record<string, unknown>>;
  readonly durable?: boolean;
}

/** Celery's routing settings, and how queues are declared. */
export interface DestinationConfig extends Omit<RoutingConfig, 'taskQueues'> {
  readonly taskQueues?: Readonly<Record<string, QueueSettings>>;
  /** Celery's task_default_queue_type: `quorum` adds x-queue-type to queues not in `taskQueues`. Default classic. RabbitMQ only. */
  readonly taskDefaultQueueType?: 'classic' | 'quorum';
  /** Celery's task_queue_max_priority: adds x-max-priority. Default none. RabbitMQ only. */
  readonly taskQueueMaxPriority?: number;
}

/** What must be declared before a message travels this route, or undefined where the caller named an exchange of their own. Pure. */
export function declarationOf(route: Route, config: DestinationConfig): QueueDeclaration | undefined {
  const known = config.taskQueues?.[route.queue];
  if (known === undefined && route.exchange !== '' && route.queue !== (config.taskDefaultQueue ?? 'celery')) return undefined;
  const queueArguments = {
    ...(config.taskQueueMaxPriority !== undefined && { 'x-max-priority': config.taskQueueMaxPriority }),
    ...(config.taskDefaultQueueType === 'quorum' && known?.arguments === undefined && { 'x-queue-type': 'quorum' }),
    ...known?.arguments,
  };
  return {
    name: route.queue,
    ...(known?.exchange !== undefined && { exchange: known.exchange }),
    ...(known?.exchangeType !== undefined && { exchangeType: known.exchangeType }),
    ...(known?.routingKey !== undefined && { routingKey: known.routingKey }),
    ...(known?.durable !== undefined && { durable: known.durable }),
    ...(Object.keys(queueArguments).length > 0 && { arguments: queueArguments }),
  };
}
