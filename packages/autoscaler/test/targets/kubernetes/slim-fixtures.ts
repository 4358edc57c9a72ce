// Slim Kubernetes objects for tests of the pure parts.

import type { SlimContainer, SlimDeployment, SlimPod, SlimReplicaSet } from '../../../src/kubernetes/slim.ts';
import { NOW } from '../../pool-fixtures.ts';

export function container(changes: Partial<SlimContainer> = {}): SlimContainer {
  return {
    name: 'worker',
    init: false,
    ready: true,
    restarts: 0,
    waitingReason: null,
    waitingMessage: null,
    terminatedExitCode: null,
    terminatedReason: null,
    lastTerminatedReason: null,
    lastExitCode: null,
    ...changes,
  };
}

/** A pod that has run for a minute and is ready. */
export function pod(name: string, changes: Partial<SlimPod> = {}): SlimPod {
  return {
    uid: `uid-${name}`,
    name,
    namespace: 'app',
    resourceVersion: '1',
    replicaSetUid: 'rs-1',
    replicaSetName: 'worker-1',
    templateHash: '1',
    annotations: {},
    hostname: name,
    nodeName: 'node-1',
    phase: 'Running',
    reason: null,
    createdAtMs: NOW - 60_000,
    deletionAtMs: null,
    deletionGraceSeconds: null,
    terminationGracePeriodSeconds: 600,
    ready: true,
    readySinceMs: NOW - 50_000,
    podScheduled: { status: 'True', reason: null, message: null, sinceMs: NOW - 60_000 },
    containers: [container()],
    ...changes,
  };
}

/** A pod that no node has room for. */
export function unscheduled(name: string, changes: Partial<SlimPod> = {}): SlimPod {
  return pod(name, {
    nodeName: null,
    phase: 'Pending',
    ready: false,
    readySinceMs: null,
    containers: [],
    podScheduled: { status: 'False', reason: 'Unschedulable', message: '0/3 nodes are available', sinceMs: NOW - 60_000 },
    ...changes,
  });
}

/** A pod on a node whose container waits for a reason. */
export function waiting(name: string, waitingReason: string, changes: Partial<SlimPod> = {}, message: string | null = null): SlimPod {
  return pod(name, {
    phase: 'Pending',
    ready: false,
    readySinceMs: null,
    containers: [container({ ready: false, waitingReason, waitingMessage: message })],
    ...changes,
  });
}

export function replicaSet(changes: Partial<SlimReplicaSet> = {}): SlimReplicaSet {
  return {
    uid: 'rs-1',
    name: 'worker-1',
    namespace: 'app',
    resourceVersion: '1',
    deploymentUid: 'd-1',
    deploymentName: 'worker',
    replicas: 3,
    statusReplicas: 3,
    readyReplicas: 3,
    templateHash: '1',
    revision: '1',
    createdAtMs: NOW - 3_600_000,
    replicaFailure: null,
    ...changes,
  };
}

export function deployment(changes: Partial<SlimDeployment> = {}): SlimDeployment {
  return {
    uid: 'd-1',
    name: 'worker',
    namespace: 'app',
    resourceVersion: '1',
    generation: 1,
    observedGeneration: 1,
    createdAtMs: NOW - 3_600_000,
    deletionAtMs: null,
    replicas: 3,
    statusReplicas: 3,
    updatedReplicas: 3,
    readyReplicas: 3,
    availableReplicas: 3,
    unavailableReplicas: 0,
    progressing: null,
    replicaFailure: null,
    annotations: {},
    revision: '1',
    paused: false,
    strategy: 'RollingUpdate',
    maxSurge: '25%',
    maxUnavailable: '25%',
    terminationGracePeriodSeconds: 600,
    requests: { cpu: 0, memoryBytes: 0, gpus: 0 },
    replicasOwners: [],
    ...changes,
  };
}
