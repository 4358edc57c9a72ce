import type { QueueDeclaration } from '@celeriac/brokers';
import { type Command, Option } from 'commander';
import { countUpTo } from './option-values.ts';

/** What `--queue-type` and `--queue-max-priority` parse into. */
export interface QueueOptions {
  readonly queueType?: 'classic' | 'quorum';
  readonly queueMaxPriority?: number;
}

/** Adds how queues are declared on RabbitMQ: Celery's task_default_queue_type and task_queue_max_priority. Redis knows neither. */
export function addQueueOptions(command: Command): Command {
  return command
    .addOption(new Option('--queue-type <type>', 'RabbitMQ: how queues are declared (default: classic)').choices(['classic', 'quorum']))
    .option('--queue-max-priority <number>', 'RabbitMQ: declare queues with this x-max-priority (default: none)', countUpTo(255));
}

/** The declaration of a queue by these options. */
export function queueDeclaration(name: string, { queueType, queueMaxPriority }: QueueOptions): QueueDeclaration {
  const queueArguments = {
    ...(queueMaxPriority !== undefined && { 'x-max-priority': queueMaxPriority }),
    ...(queueType === 'quorum' && { 'x-queue-type': 'quorum' }),
  };
  return Object.keys(queueArguments).length === 0 ? { name } : { name, arguments: queueArguments };
}
