import { countOf, countOrNull, fieldsOf, listOf, textOf, textsOf, timeOf } from './fields.ts';
import { conditionOf, controllerOf, identityOf } from './project-owner.ts';
import { parseQuantity } from './quantity.ts';
import type { ReplicasOwner, SlimDeployment, SlimReplicaSet } from './slim.ts';

const REVISION = 'deployment.kubernetes.io/revision';

/** Keeps of a Deployment (apps/v1) what decisions need; null for what is none. Never throws. */
export function projectDeployment(object: unknown): SlimDeployment | null {
  const deployment = fieldsOf(object);
  const metadata = fieldsOf(deployment['metadata']);
  const identity = identityOf(metadata);
  if (identity === null) return null;
  const spec = fieldsOf(deployment['spec']);
  const status = fieldsOf(deployment['status']);
  const strategy = fieldsOf(spec['strategy']);
  const rolling = fieldsOf(strategy['rollingUpdate']);
  const template = fieldsOf(fieldsOf(spec['template'])['spec']);
  return {
    ...identity,
    generation: countOf(metadata['generation']),
    observedGeneration: countOf(status['observedGeneration']),
    createdAtMs: timeOf(metadata['creationTimestamp']) ?? 0,
    deletionAtMs: timeOf(metadata['deletionTimestamp']),
    replicas: countOf(spec['replicas'], 1),
    statusReplicas: countOf(status['replicas']),
    updatedReplicas: countOf(status['updatedReplicas']),
    readyReplicas: countOf(status['readyReplicas']),
    availableReplicas: countOf(status['availableReplicas']),
    unavailableReplicas: countOf(status['unavailableReplicas']),
    progressing: conditionOf(status, 'Progressing'),
    replicaFailure: conditionOf(status, 'ReplicaFailure'),
    annotations: textsOf(metadata['annotations'], (name) => name.startsWith('autoscaling.keda.sh/') || name.startsWith('celeriac')),
    revision: textOf(fieldsOf(metadata['annotations'])[REVISION]),
    paused: spec['paused'] === true,
    strategy: textOf(strategy['type']),
    maxSurge: countOrShare(rolling['maxSurge']),
    maxUnavailable: countOrShare(rolling['maxUnavailable']),
    terminationGracePeriodSeconds: countOrNull(template['terminationGracePeriodSeconds']),
    requests: requestsOf(template),
    replicasOwners: replicasOwnersOf(metadata),
  };
}

/** Keeps of a ReplicaSet (apps/v1) what decisions need; null for one that no Deployment owns. Never throws. */
export function projectReplicaSet(object: unknown): SlimReplicaSet | null {
  const replicaSet = fieldsOf(object);
  const metadata = fieldsOf(replicaSet['metadata']);
  const identity = identityOf(metadata);
  const owner = controllerOf(metadata, 'Deployment');
  if (identity === null || owner === null) return null;
  const status = fieldsOf(replicaSet['status']);
  return {
    ...identity,
    deploymentUid: owner.uid,
    deploymentName: owner.name,
    replicas: countOf(fieldsOf(replicaSet['spec'])['replicas'], 1),
    statusReplicas: countOf(status['replicas']),
    readyReplicas: countOf(status['readyReplicas']),
    templateHash: textOf(fieldsOf(metadata['labels'])['pod-template-hash']),
    revision: textOf(fieldsOf(metadata['annotations'])[REVISION]),
    createdAtMs: timeOf(metadata['creationTimestamp']) ?? 0,
    replicaFailure: conditionOf(status, 'ReplicaFailure'),
  };
}

function countOrShare(value: unknown): number | string | null {
  return countOrNull(value) ?? (typeof value === 'string' && /^\d{1,9}%$/.test(value) ? value : null);
}

/** Of the containers together; init containers run before them and count by what they take beyond that. */
function requestsOf(template: Readonly<Record<string, unknown>>): SlimDeployment['requests'] {
  const total = { cpu: 0, memoryBytes: 0, gpus: 0 };
  for (const container of listOf(template['containers'])) {
    const asked = askedBy(container);
    total.cpu += asked.cpu;
    total.memoryBytes += asked.memoryBytes;
    total.gpus += asked.gpus;
  }
  for (const container of listOf(template['initContainers'])) {
    const asked = askedBy(container);
    total.cpu = Math.max(total.cpu, asked.cpu);
    total.memoryBytes = Math.max(total.memoryBytes, asked.memoryBytes);
    total.gpus = Math.max(total.gpus, asked.gpus);
  }
  return total;
}

/** A limit without a request is a request, as the API server has it. */
function askedBy(container: unknown): SlimDeployment['requests'] {
  const resources = fieldsOf(fieldsOf(container)['resources']);
  const asked = { ...fieldsOf(resources['limits']), ...fieldsOf(resources['requests']) };
  let gpus = 0;
  for (const [name, amount] of Object.entries(asked)) if (/^[\w.-]+\/(gpu|mig-[\w.]+)$/.test(name)) gpus += parseQuantity(amount) ?? 0;
  return { cpu: parseQuantity(asked['cpu']) ?? 0, memoryBytes: parseQuantity(asked['memory']) ?? 0, gpus };
}

/** Those whose entry in `managedFields` holds `f:spec.f:replicas`. */
function replicasOwnersOf(metadata: Readonly<Record<string, unknown>>): readonly ReplicasOwner[] {
  return listOf(metadata['managedFields']).flatMap((value): ReplicasOwner[] => {
    const entry = fieldsOf(value);
    const spec = fieldsOf(fieldsOf(entry['fieldsV1'])['f:spec']);
    const manager = textOf(entry['manager']);
    if (manager === null || !Object.hasOwn(spec, 'f:replicas')) return [];
    return [
      {
        manager,
        operation: textOf(entry['operation']) ?? 'Update',
        subresource: textOf(entry['subresource']),
        atMs: timeOf(entry['time']),
      },
    ];
  });
}
