// The Node that a test kubelet stands for.

import { resourcePath } from '../kubernetes/objects.ts';
import type { Rest } from '../kubernetes/rest.ts';
import { kubeTime } from './pod-status.ts';

export const HOST_IP = '127.0.0.1';

/** Creates the Node, says that it is Ready and has this capacity, and takes away the taint that every new Node gets. */
export async function createNode(api: Rest, name: string, capacity: Readonly<Record<string, string>>): Promise<void> {
  const now = kubeTime(Date.now());
  await api.create(resourcePath('Node'), {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux' } },
  });
  const condition = (type: string, status: string, reason: string) => ({
    ...{ type, status, reason, message: `the test kubelet says ${reason}` },
    ...{ lastHeartbeatTime: now, lastTransitionTime: now },
  });
  const status = {
    capacity,
    allocatable: capacity,
    addresses: [
      { type: 'InternalIP', address: HOST_IP },
      { type: 'Hostname', address: name },
    ],
    conditions: [
      condition('MemoryPressure', 'False', 'KubeletHasSufficientMemory'),
      condition('DiskPressure', 'False', 'KubeletHasNoDiskPressure'),
      condition('PIDPressure', 'False', 'KubeletHasSufficientPID'),
      condition('Ready', 'True', 'KubeletReady'),
    ],
  };
  await api.patch(resourcePath('Node', undefined, name, 'status'), { status });
  await api.patch(resourcePath('Node', undefined, name), { spec: { taints: null } });
}

export async function deleteNode(api: Rest, name: string): Promise<void> {
  await api.delete(resourcePath('Node', undefined, name));
}
