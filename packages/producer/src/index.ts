export { CeleriacError, type Contract, contract, isCeleriacError, TaskError } from '@celeriac/protocol';
export type { ApplyOptions } from './apply-options.ts';
export { AsyncResult, type GetOptions } from './async-result.ts';
export { Celery, type CeleryOptions } from './celery.ts';
export type { DestinationConfig, QueueSettings } from './destination.ts';
export type { PublishManyOptions, PublishManyReport } from './publish-many.ts';
export type { PublishRetryPolicy } from './publish-retry.ts';
export type { Signature } from './signature.ts';
export type { Call, TaskHandle } from './task-handle.ts';
