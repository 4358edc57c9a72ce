import type { Worker, WorkerOptions } from './worker-options.ts';

/**
 * Creates a worker; nothing happens before its `start`. Rejects with CELERIAC_E_CONFIG. What a worker needs is loaded by this call, because
 * task modules import this package too, and a child needs none of it.
 */
export async function createWorker(options: WorkerOptions): Promise<Worker> {
  const { composeWorker } = await import('./worker.ts');
  return composeWorker(options);
}
