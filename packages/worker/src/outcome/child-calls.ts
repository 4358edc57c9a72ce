import type { Transport } from '@celeriac/brokers';
import { CeleriacError, parseJson, type TaskCall } from '@celeriac/protocol';
import type { ChildCall } from '../pool/pool.ts';
import { type FollowOptions, publicationOf } from './follow.ts';

/**
 * Publishes what a running task calls; resolves with the task id when the broker has it. The child wrote the call, so it is checked
 * like anything from outside.
 */
export async function publishChildCall(
  transport: Transport,
  options: FollowOptions,
  { callJson, parent }: ChildCall,
  nowMs: number,
): Promise<string> {
  const { queue, ...call } = (parseJson(callJson) ?? {}) as Partial<TaskCall> & { readonly queue?: unknown };
  if (typeof call.name !== 'string' || typeof call.taskId !== 'string') {
    throw new CeleriacError('CELERIAC_E_TASK_NAME', 'a call from a task needs a name and a task id');
  }
  const complete: TaskCall = { ...call, name: call.name, taskId: call.taskId, rootId: parent.rootId, parentId: parent.id };
  const route = typeof queue === 'string' && queue !== '' ? { queue } : {};
  const followed = { kind: 'call', call: complete, route, countdownS: null, expiresS: null } as const;
  await transport.publish(publicationOf(options, followed, parent, nowMs));
  return call.taskId;
}
