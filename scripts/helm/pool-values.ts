// `pools.<name>` and `defaults` of the chart's values. What the autoscaler reads too is its own schema.

import { z } from 'zod';
import { budgetShareSchema } from '../../packages/autoscaler/src/config/budget-schema.ts';
import { deploymentSchema } from '../../packages/autoscaler/src/config/cluster-schema.ts';
import { scalingSchema } from '../../packages/autoscaler/src/config/scaling-schema.ts';
import { poolSizeSchema } from '../../packages/autoscaler/src/config/size-schema.ts';
import { envValues, imageValues, placementShape, resourceValues, serviceAccountValues } from './pod-values.ts';
import { flag, inherited, kubernetesList, kubernetesObject, objectOf, optionalText, seconds, textMap } from './value-parts.ts';

/** `defaults`: everything that pools may share. */
export function defaultsValues(): z.ZodObject {
  return z.strictObject(sharedShape()).partial().describe('What every pool has that does not say otherwise.');
}

/** One of `pools`. */
export function poolValues(): z.ZodObject {
  return z
    .strictObject({
      queues: z.array(z.string().min(1)).min(1).describe('Queues its workers serve; a queue belongs to one pool.'),
      ...sharedShape(),
      existingDeployment: z
        .strictObject({
          name: optionalText('Its name.'),
          namespace: optionalText("Its namespace. Default: the release's."),
        })
        .partial()
        .describe('A Deployment that the chart does not own: it is scaled, and nothing of it is rendered.'),
    })
    .partial();
}

function sharedShape() {
  const words = z.array(z.string());
  return {
    kind: z.enum(['node', 'python']).describe('node: a worker of Celeriac; python: a worker of Python Celery.'),
    app: optionalText('The task module (`-A`), such as `tasks.ts`; for python the Celery app, such as `proj.celery`.'),
    concurrency: z.int().min(1).max(10_000).describe('Tasks that one replica runs at the same time (`-c`).'),
    image: imageValues('The image of its workers.'),
    args: words.describe('Arguments added to the command.'),
    command: words.describe('Command in place of the usual one; {app} {queues} {concurrency} {pool} are filled in.'),
    env: envValues(),
    envFrom: kubernetesList('ConfigMaps and Secrets whose keys become environment.'),
    resources: resourceValues(),
    volumes: kubernetesList('Volumes of the pods.'),
    volumeMounts: kubernetesList('Where the container mounts them.'),
    probes: probeValues(),
    terminationGracePeriodSeconds: seconds('How long a pod that is asked to end may take to finish its tasks.', 1),
    timeLimitSeconds: z.int().min(1).nullable().describe('Hard time limit of a task; null for none.'),
    softTimeLimitSeconds: z.int().min(1).nullable().describe('Soft time limit of a task; null for none.'),
    taskEvents: flag('Sends task events (`-E`), which metrics and dashboards are made from.'),
    ...placementShape(),
    serviceAccount: serviceAccountValues(),
    annotations: textMap('Annotations of the Deployment.'),
    strategy: kubernetesObject("The Deployment's strategy."),
    revisionHistoryLimit: z.int().min(0).describe('Old ReplicaSets that are kept.'),
    initContainers: kubernetesList('Containers that run first.'),
    sidecars: kubernetesList('Containers beside the worker.'),
    lifecycle: kubernetesObject('Hooks of the container.'),
    runtimeClassName: optionalText('RuntimeClass.'),
    scaling: scalingValues(),
    budget: inherited(objectOf(budgetShareSchema(z))).describe(
      'The budget the pool shares. Running work is never taken back for another pool.',
    ),
    size: poolSizeSchema(z).describe(
      'What one replica has, for routing by resources and for budgets. Default: the requests of `resources`.',
    ),
    target: inherited(objectOf(deploymentSchema(z)).omit({ name: true, namespace: true })).describe('How the Deployment is watched.'),
    keda: kedaValues(),
    replicas: z.int().min(0).nullable().describe('Replicas of a pool with `scaling.by: none`.'),
  } satisfies Record<string, z.ZodType>;
}

function scalingValues(): z.ZodObject {
  const by = z
    .enum(['celeriac', 'keda', 'none'])
    .optional()
    .describe('Who sets its replicas: the autoscaler itself, KEDA by what the autoscaler wants, or nobody.');
  const own = inherited(objectOf(scalingSchema(z)));
  return own.extend({ by }).describe('How the pool is scaled, as in pools.yaml.');
}

function probeValues(): z.ZodObject {
  return z
    .strictObject({
      startup: kubernetesObject('Startup probe.'),
      readiness: kubernetesObject('Readiness probe.'),
      liveness: kubernetesObject('Liveness probe.'),
    })
    .partial()
    .describe('Probes of the worker; python has none by default.');
}

function kedaValues(): z.ZodObject {
  return z
    .strictObject({
      pollingInterval: seconds('Seconds between two looks of KEDA.', 1),
      cooldownPeriod: seconds('Seconds without work before KEDA goes to zero.'),
    })
    .partial()
    .describe('Of the ScaledObject, with `scaling.by: keda`.');
}
