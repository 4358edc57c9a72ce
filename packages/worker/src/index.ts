export { type Contract, contract, type PoolList, type TaskNeeds } from '@celeriac/protocol';
export { createWorker } from './create-worker.ts';
export { type ReadTaskManifestOptions, readTaskManifest } from './read-manifest.ts';
export { defineTask } from './tasks/define-task.ts';
export type { TaskDescription, TaskManifest, TaskOptions } from './tasks/manifest.ts';
export type { Task, TaskFunction } from './tasks/task.ts';
export type { TaskContext, TaskLog } from './tasks/task-context.ts';
export { Ignore, Reject, Retry, type RetryOptions, SoftTimeLimitExceeded } from './tasks/task-errors.ts';
export type { Worker, WorkerEnd, WorkerOptions } from './worker-options.ts';
