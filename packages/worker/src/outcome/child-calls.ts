import type { Transport } from '@celeriac/brokers';
import { CeleriacError, mergeNeeds, parseJson, type TaskCall, type TaskNeeds } from '@celeriac/protocol';
import type { ChildCall } from '../pool/pool.ts';
import { type FollowOptions, placeCall, publicationOf } from './follow.ts';

interface ChildCallFields {
  readonly queue?: unknown;
  readonly resources?: unknown;
}

/**
 * Publishes what a running task calls; resolves with the task id when the broker has it. The child wrote the call, so it is checked
 * like anything from outside. What it needs is what its contract says, and over that what this worker's own definition of the task says.
 * Rejects with CELERIAC_E_NO_POOL_FITS, CELERIAC_E_ARGUMENTS or CELERIAC_E_TASK_NAME before anything is published.
 */
export async function publishChildCall(
  transport: Pick<Transport, 'publish'>,
  options: FollowOptions,
  { callJson, parent }: ChildCall,
  nowMs: number,
): Promise<string> {
  const { queue, resources, ...call } = (parseJson(callJson) ?? {}) as Partial<TaskCall> & ChildCallFields;
  if (typeof call.name !== 'string' || typeof call.taskId !== 'string') {
    throw new CeleriacError('CELERIAC_E_TASK_NAME', 'a call from a task needs a name and a task id');
  }
  const complete: TaskCall = { ...call, name: call.name, taskId: call.taskId, rootId: parent.rootId, parentId: parent.id };
  const route = typeof queue === 'string' && queue !== '' ? { queue } : {};
  const followed = { kind: 'call', call: complete, route, countdownS: null, expiresS: null } as const;
  const placed = placeCall(options, followed, mergeNeeds(resources as TaskNeeds | undefined, options.needsOf?.(call.name)));
  if (placed.kind === 'refused') throw placed.error;
  await transport.publish(publicationOf(options, followed, placed.route, parent, nowMs));
  return call.taskId;
}
