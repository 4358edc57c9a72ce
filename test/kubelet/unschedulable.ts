// What the scheduler says of a pod that fits on no node.

import { resourcePath } from '../kubernetes/objects.ts';
import type { Rest } from '../kubernetes/rest.ts';
import type { Pod } from './pod.ts';
import { kubeTime } from './pod-status.ts';

/** Sets the condition and writes the Event `FailedScheduling`. */
export async function declareUnschedulable(api: Rest, pod: Pod, message: string): Promise<void> {
  const { name, namespace = 'default', uid } = pod.metadata;
  const now = kubeTime(Date.now());
  const condition = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message, lastTransitionTime: now };
  await api.patch(resourcePath('Pod', namespace, name, 'status'), { metadata: { uid }, status: { conditions: [condition] } }, 'strategic');
  await api.create(resourcePath('Event', namespace), {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: `${name}.${Date.now().toString(16)}`, namespace },
    involvedObject: { apiVersion: 'v1', kind: 'Pod', name, namespace, uid },
    ...{ type: 'Warning', reason: 'FailedScheduling', message, firstTimestamp: now, lastTimestamp: now, count: 1 },
    source: { component: 'default-scheduler' },
  });
}
