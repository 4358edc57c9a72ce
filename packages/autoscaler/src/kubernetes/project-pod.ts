import { countOf, countOrNull, fieldsOf, listOf, shortTextOf, textOf, textsOf, timeOf } from './fields.ts';
import { conditionOf, controllerOf, identityOf } from './project-owner.ts';
import type { SlimContainer, SlimPod } from './slim.ts';

const ANNOTATIONS: ReadonlySet<string> = new Set([
  'controller.kubernetes.io/pod-deletion-cost',
  'karpenter.sh/do-not-disrupt',
  'cluster-autoscaler.kubernetes.io/safe-to-evict',
  'celeriac.dev/shield',
  'celeriac.dev/deletion-cost-before',
]);

/** Keeps of a Pod (core/v1) what decisions need; null for one that no ReplicaSet owns. Never throws. */
export function projectPod(object: unknown): SlimPod | null {
  const pod = fieldsOf(object);
  const metadata = fieldsOf(pod['metadata']);
  const identity = identityOf(metadata);
  const owner = controllerOf(metadata, 'ReplicaSet');
  if (identity === null || owner === null) return null;
  const spec = fieldsOf(pod['spec']);
  const status = fieldsOf(pod['status']);
  const ready = conditionOf(status, 'Ready');
  return {
    uid: identity.uid,
    name: identity.name,
    namespace: identity.namespace,
    resourceVersion: identity.resourceVersion,
    replicaSetUid: owner.uid,
    replicaSetName: owner.name,
    templateHash: textOf(fieldsOf(metadata['labels'])['pod-template-hash']),
    annotations: textsOf(metadata['annotations'], (name) => ANNOTATIONS.has(name)),
    hostname: textOf(spec['hostname']) ?? identity.name,
    nodeName: textOf(spec['nodeName']),
    phase: textOf(status['phase']) ?? 'Unknown',
    reason: textOf(status['reason']),
    createdAtMs: timeOf(metadata['creationTimestamp']) ?? 0,
    deletionAtMs: timeOf(metadata['deletionTimestamp']),
    deletionGraceSeconds: countOrNull(metadata['deletionGracePeriodSeconds']),
    terminationGracePeriodSeconds: countOrNull(spec['terminationGracePeriodSeconds']),
    ready: ready?.status === 'True',
    readySinceMs: ready?.sinceMs ?? null,
    podScheduled: conditionOf(status, 'PodScheduled'),
    containers: [
      ...listOf(status['initContainerStatuses']).map((container) => projectContainer(container, true)),
      ...listOf(status['containerStatuses']).map((container) => projectContainer(container, false)),
    ],
  };
}

function projectContainer(value: unknown, init: boolean): SlimContainer {
  const container = fieldsOf(value);
  const state = fieldsOf(container['state']);
  const waiting = fieldsOf(state['waiting']);
  const terminated = fieldsOf(state['terminated']);
  const last = fieldsOf(fieldsOf(container['lastState'])['terminated']);
  return {
    name: textOf(container['name']) ?? '',
    init,
    ready: container['ready'] === true,
    restarts: countOf(container['restartCount']),
    waitingReason: textOf(waiting['reason']),
    waitingMessage: shortTextOf(waiting['message']),
    terminatedExitCode: exitCode(terminated['exitCode']),
    terminatedReason: textOf(terminated['reason']),
    lastTerminatedReason: textOf(last['reason']),
    lastExitCode: exitCode(last['exitCode']),
  };
}

const exitCode = (value: unknown): number | null => (typeof value === 'number' && Number.isSafeInteger(value) ? value : null);
