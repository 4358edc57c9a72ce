// `pools.<name>` and `defaults` of the chart's values. What the autoscaler reads too is its own schema.

import { z } from 'zod';
import { budgetShareSchema } from '../../packages/autoscaler/src/config/budget-schema.ts';
import { deploymentSchema } from '../../packages/autoscaler/src/config/cluster-schema.ts';
import { scalingSchema } from '../../packages/autoscaler/src/config/scaling-schema.ts';
import { label, subdomain } from '../../packages/autoscaler/src/config/schema-parts.ts';
import { poolSizeSchema } from '../../packages/autoscaler/src/config/size-schema.ts';
import { envValues, imageValues, logLevel, placementShape, resourceValues, serviceAccountValues } from './pod-values.ts';
import { flag, inherited, kubernetesList, kubernetesObject, objectOf, optionalText, seconds, textMap } from './value-parts.ts';

/** `defaults`: everything that pools may share. */
export function defaultsValues(): z.ZodObject {
  return z.strictObject(sharedShape()).partial().describe('What every pool has that does not say otherwise.');
}

/** One of `pools`; null takes away what `defaults` say. */
export function poolValues(): z.ZodObject {
  const own = {
    queues: z.array(z.string().min(1)).min(1).describe('Queues its workers serve; a queue belongs to one pool.'),
    budget: inherited(objectOf(budgetShareSchema(z))).describe(
      'The budget the pool shares. Running work is never taken back for another pool.',
    ),
    size: poolSizeSchema(z).describe('What one replica has, for routing by resources and for budgets.'),
    existingDeployment: z
      .strictObject({
        name: subdomain(z).describe('Its name.'),
        namespace: label(z, 'a namespace').optional().describe("Its namespace. Default: the release's."),
      })
      .describe('A Deployment that the chart does not own: it is scaled, and nothing of it is rendered.'),
  };
  const shared = inherited(z.strictObject(sharedShape()), { nullable: true });
  return z.strictObject({ ...own, ...shared.shape }).partial();
}

function sharedShape() {
  const words = z.array(z.string());
  return {
    kind: z.enum(['node', 'python']).describe('node: a worker of Celeriac; python: a worker of Python Celery.'),
    app: optionalText('Task modules (`-A`): for node a path from /app, for python the module of the app.'),
    concurrency: z.int().min(1).max(10_000).describe('Tasks that one replica runs at the same time (`-c`).'),
    image: imageValues('The image of its workers.'),
    args: words.describe('Arguments after those of the chart.'),
    command: words.describe('Command in place of the usual one; {app} {queues} {concurrency} {pool} are filled in.'),
    logLevel: logLevel('Least level that Node workers log.'),
    queueType: z.enum(['', 'classic', 'quorum']).describe('RabbitMQ: how queues are declared.'),
    env: envValues(),
    envFrom: kubernetesList('ConfigMaps and Secrets whose keys become environment.'),
    resources: resourceValues(),
    volumes: kubernetesList('Volumes of the pods.'),
    volumeMounts: kubernetesList('Where the container mounts them.'),
    probes: probeValues(),
    terminationGracePeriodSeconds: seconds('How long a pod that is asked to end may take to finish its tasks.', 1),
    timeLimitSeconds: seconds('Hard time limit of a task.', 1).nullable(),
    softTimeLimitSeconds: seconds('Soft time limit of a task.', 1).nullable(),
    taskEvents: flag('Sends task events (`-E`), which metrics and dashboards are made from.'),
    ...placementShape(),
    runtimeClassName: optionalText('RuntimeClass.'),
    serviceAccount: serviceAccountValues(),
    annotations: textMap('Annotations of the Deployment.'),
    strategy: kubernetesObject("The Deployment's strategy."),
    revisionHistoryLimit: z.int().min(0).describe('Old ReplicaSets that are kept.'),
    initContainers: kubernetesList('Containers that run first.'),
    sidecars: kubernetesList('Containers beside the worker.'),
    lifecycle: kubernetesObject('Hooks of the container.'),
    scaling: scalingValues(),
    replicas: z.int().min(0).describe('Replicas of a pool with `scaling.by: none`.'),
    target: inherited(objectOf(deploymentSchema(z)).omit({ name: true, namespace: true })).describe('How the Deployment is watched.'),
    keda: kedaValues(),
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
      startup: kubernetesObject('Until it succeeds the others wait.'),
      readiness: kubernetesObject('Whether the worker takes work.'),
      liveness: kubernetesObject('Whether it must be restarted.'),
    })
    .partial()
    .describe('Probes of the worker; python has those it states itself.');
}

function kedaValues(): z.ZodObject {
  return z
    .strictObject({
      pollingInterval: seconds('Seconds between two looks of KEDA.', 1),
      cooldownPeriod: seconds('Seconds without work before KEDA goes to zero.'),
      advanced: kubernetesObject('`advanced` of the ScaledObject.'),
      fallback: kubernetesObject('`fallback` of the ScaledObject.'),
      annotations: textMap('Annotations of the ScaledObject.'),
    })
    .partial()
    .describe('Of pools with `scaling.by: keda`.');
}
