export type { TaskError } from '@celeriac/protocol';
export {
  CeleriacError,
  type Contract,
  contract,
  isCeleriacError,
  type PoolList,
  type PoolSize,
  type RoutedPool,
  type TaskNeeds,
} from '@celeriac/protocol/contract';
export type { ApplyOptions } from './apply-options.ts';
export { AsyncResult } from './async-result.ts';
export { Celery } from './celery.ts';
export type { CeleryOptions } from './celery-options.ts';
export type { DestinationConfig, QueueSettings } from './destination.ts';
export type { PublishManyOptions, PublishManyReport } from './publish-many.ts';
export type { PublishRetryPolicy } from './publish-retry.ts';
export type { GetOptions } from './result-reader.ts';
export type { Signature } from './signature.ts';
export type { Call, TaskHandle } from './task-handle.ts';
