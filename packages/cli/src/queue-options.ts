import type { QueueDeclaration } from '@celeriac/brokers';
import { type Command, InvalidArgumentError, Option } from 'commander';

/** What `--queue-type` and `--queue-max-priority` parse into. */
export interface QueueOptions {
  readonly queueType?: 'classic' | 'quorum';
  readonly queueMaxPriority?: number;
}

/** Adds how queues are declared on RabbitMQ: Celery's task_default_queue_type and task_queue_max_priority. Redis knows neither. */
export function addQueueOptions(command: Command): Command {
  return command
    .addOption(new Option('--queue-type <type>', 'RabbitMQ: how queues are declared (default: classic)').choices(['classic', 'quorum']))
    .option('--queue-max-priority <number>', 'RabbitMQ: declare queues with this x-max-priority (default: none)', maxPriority);
}

/** The declaration of a queue by these options. */
export function queueDeclaration(name: string, { queueType, queueMaxPriority }: QueueOptions): QueueDeclaration {
  const queueArguments = {
    ...(queueMaxPriority !== undefined && { 'x-max-priority': queueMaxPriority }),
    ...(queueType === 'quorum' && { 'x-queue-type': 'quorum' }),
  };
  return Object.keys(queueArguments).length === 0 ? { name } : { name, arguments: queueArguments };
}

function maxPriority(value: string): number {
  const number = Number(value);
  if (!/^\d{1,3}$/.test(value) || number < 1 || number > 255) throw new InvalidArgumentError('a whole number from 1 to 255 is needed');
  return number;
}
