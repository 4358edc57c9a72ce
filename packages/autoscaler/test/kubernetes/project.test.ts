import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { projectDeployment, projectReplicaSet } from '../../src/kubernetes/project-deployment.ts';
import { projectPod } from '../../src/kubernetes/project-pod.ts';
import { projectQuota } from '../../src/kubernetes/project-quota.ts';

const metadata = { name: 'web-1-a', namespace: 'app', uid: 'pod-uid', resourceVersion: '7', creationTimestamp: '2026-11-21T12:00:00Z' };
const ownedBy = (kind: string) => [{ kind, name: 'owner', uid: 'owner-uid', controller: true, apiVersion: 'apps/v1' }];

describe('a Pod', () => {
  const pod = {
    metadata: {
      ...metadata,
      labels: { 'pod-template-hash': 'abc', app: 'web' },
      ownerReferences: ownedBy('ReplicaSet'),
      deletionTimestamp: '2026-11-21T12:10:00Z',
      deletionGracePeriodSeconds: 600,
      annotations: { 'controller.kubernetes.io/pod-deletion-cost': '-2000', 'karpenter.sh/do-not-disrupt': 'true', other: 'x' },
    },
    spec: { nodeName: 'node-1', terminationGracePeriodSeconds: 600 },
    status: {
      phase: 'Running',
      conditions: [
        { type: 'Ready', status: 'False', lastTransitionTime: '2026-11-21T12:01:00Z' },
        { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: 'no node fits' },
      ],
      initContainerStatuses: [{ name: 'prepare', state: { waiting: { reason: 'ImagePullBackOff', message: 'x'.repeat(5_000) } } }],
      containerStatuses: [
        {
          name: 'worker',
          ready: false,
          restartCount: 3,
          state: { terminated: { exitCode: 137, reason: 'OOMKilled' } },
          lastState: { terminated: { exitCode: 1, reason: 'Error' } },
        },
      ],
    },
  };

  it('is kept in what decisions need', () => {
    const slim = projectPod(pod);
    expect(slim).toMatchObject({
      uid: 'pod-uid',
      replicaSetUid: 'owner-uid',
      templateHash: 'abc',
      hostname: 'web-1-a',
      nodeName: 'node-1',
      phase: 'Running',
      createdAtMs: Date.parse('2026-11-21T12:00:00Z'),
      deletionAtMs: Date.parse('2026-11-21T12:10:00Z'),
      deletionGraceSeconds: 600,
      terminationGracePeriodSeconds: 600,
      ready: false,
      readySinceMs: Date.parse('2026-11-21T12:01:00Z'),
      podScheduled: { status: 'False', reason: 'Unschedulable', message: 'no node fits' },
    });
    expect(slim?.annotations).toEqual({ 'controller.kubernetes.io/pod-deletion-cost': '-2000', 'karpenter.sh/do-not-disrupt': 'true' });
    expect(slim?.containers).toMatchObject([
      { name: 'prepare', init: true, waitingReason: 'ImagePullBackOff', terminatedExitCode: null },
      { name: 'worker', init: false, restarts: 3, terminatedExitCode: 137, terminatedReason: 'OOMKilled', lastExitCode: 1 },
    ]);
    expect(slim?.containers[0]?.waitingMessage?.length).toBeLessThan(310);
  });

  it('goes by the host name it was given', () => {
    expect(projectPod({ ...pod, spec: { hostname: 'alpha' } })?.hostname).toBe('alpha');
  });

  it('is not kept when no ReplicaSet controls it', () => {
    const { ownerReferences: _none, ...orphan } = pod.metadata;
    expect(projectPod({ ...pod, metadata: orphan })).toBeNull();
    expect(projectPod({ ...pod, metadata: { ...pod.metadata, ownerReferences: ownedBy('Job') } })).toBeNull();
  });
});

describe('a Deployment', () => {
  const deployment = {
    metadata: {
      ...metadata,
      generation: 4,
      annotations: {
        'autoscaling.keda.sh/paused': 'true',
        'celeriac.dev/mode': 'off',
        'deployment.kubernetes.io/revision': '12',
        'kubectl.kubernetes.io/last-applied-configuration': '{}',
      },
      managedFields: [
        { manager: 'helm', operation: 'Apply', time: '2026-11-21T12:00:00Z', fieldsV1: { 'f:spec': { 'f:template': {} } } },
        { manager: 'kube-controller-manager', operation: 'Update', subresource: 'status', fieldsV1: { 'f:status': { 'f:replicas': {} } } },
        {
          manager: 'keda',
          operation: 'Update',
          subresource: 'scale',
          time: '2026-11-21T12:05:00Z',
          fieldsV1: { 'f:spec': { 'f:replicas': {} } },
        },
      ],
    },
    spec: {
      replicas: 3,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: 0 } },
      template: {
        spec: {
          terminationGracePeriodSeconds: 60,
          initContainers: [{ resources: { requests: { cpu: '2', memory: '10Mi' } } }],
          containers: [
            { resources: { requests: { cpu: '250m', memory: '1Gi' }, limits: { 'nvidia.com/gpu': '1' } } },
            { resources: { limits: { cpu: '1', memory: '512Mi' } } },
            {},
          ],
        },
      },
    },
    status: {
      observedGeneration: 3,
      replicas: 3,
      readyReplicas: 1,
      conditions: [{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: 'exceeded quota' }],
    },
  };

  it('is kept in what decisions need', () => {
    expect(projectDeployment(deployment)).toMatchObject({
      replicas: 3,
      generation: 4,
      observedGeneration: 3,
      readyReplicas: 1,
      availableReplicas: 0,
      paused: false,
      revision: '12',
      maxSurge: '25%',
      maxUnavailable: 0,
      terminationGracePeriodSeconds: 60,
      requests: { cpu: 2, memoryBytes: 1.5 * 2 ** 30, gpus: 1 },
      replicaFailure: { status: 'True', reason: 'FailedCreate', message: 'exceeded quota' },
      progressing: null,
      annotations: { 'autoscaling.keda.sh/paused': 'true', 'celeriac.dev/mode': 'off' },
    });
  });

  it('names who writes its replicas', () => {
    expect(projectDeployment(deployment)?.replicasOwners).toEqual([
      { manager: 'keda', operation: 'Update', subresource: 'scale', atMs: Date.parse('2026-11-21T12:05:00Z') },
    ]);
  });
});

it('keeps of a ReplicaSet whose it is and why it cannot create pods', () => {
  const conditions = [{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: 'exceeded quota' }];
  const object = {
    metadata: { ...metadata, ownerReferences: ownedBy('Deployment') },
    spec: { replicas: 0 },
    status: { replicas: 2, conditions },
  };
  expect(projectReplicaSet(object)).toMatchObject({
    deploymentUid: 'owner-uid',
    deploymentName: 'owner',
    replicas: 0,
    statusReplicas: 2,
    replicaFailure: { reason: 'FailedCreate' },
  });
  expect(projectReplicaSet({ metadata })).toBeNull();
});

it('keeps of a quota its amounts', () => {
  const status = { hard: { 'requests.cpu': '4', pods: '10', odd: {} }, used: { 'requests.cpu': '3500m', pods: '7' } };
  expect(projectQuota({ metadata, status })).toMatchObject({
    hard: { 'requests.cpu': 4, pods: 10 },
    used: { 'requests.cpu': 3.5, pods: 7 },
  });
});

it('throws at nothing', () => {
  const owners = ownedBy('ReplicaSet');
  const odd = fc.anything({ maxDepth: 4 });
  const object = fc.oneof(odd, fc.record({ metadata: odd, spec: odd, status: odd }), fc.record({ status: odd, spec: odd }));
  fc.assert(
    fc.property(object, odd, (value, part) => {
      for (const project of [projectPod, projectDeployment, projectReplicaSet, projectQuota]) {
        project(value);
        project({
          metadata: { ...metadata, ownerReferences: owners, annotations: part, labels: part, managedFields: part },
          spec: part,
          status: part,
        });
        project({
          metadata: { ...metadata, ownerReferences: [...owners, part], managedFields: [part, { manager: 'x', fieldsV1: part }] },
          spec: { strategy: part, template: { spec: { containers: [part, { resources: part }], initContainers: part } }, hard: part },
          status: {
            conditions: [part, { type: part }],
            containerStatuses: [part, { state: part, lastState: part }],
            hard: part,
            used: part,
          },
        });
      }
    }),
    { numRuns: 300 },
  );
});
