// `autoscaler` of the chart's values.

import { z } from 'zod';
import { leaseSchema } from '../../packages/autoscaler/src/config/cluster-schema.ts';
import { disruptionValues, envValues, imageValues, placementShape, resourceValues, serviceAccountValues } from './pod-values.ts';
import { flag, inherited, kubernetesList, objectOf, optionalText, seconds } from './value-parts.ts';

/** The autoscaler's own Deployment and what belongs to it. */
export function autoscalerValues(): z.ZodObject {
  return z
    .strictObject({
      enabled: flag('Runs the autoscaler.'),
      replicas: z.int().min(1).max(10).describe('Pods of it; one acts, the others stand by.'),
      image: imageValues('Its image.'),
      resources: resourceValues(),
      logLevel: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal']).describe('What it logs.'),
      lease: inherited(objectOf(leaseSchema(z)).omit({ name: true, namespace: true })).describe('The Lease by which one of its pods acts.'),
      kedaMetrics: flag("Metrics under KEDA's names too."),
      orderToken: z
        .strictObject({ existingSecret: z.strictObject({ name: optionalText('Name.'), key: optionalText('Key.') }).partial() })
        .partial()
        .describe('The token that orders over HTTP must bear.'),
      env: envValues(),
      extraArgs: z.array(z.string()).describe('Arguments added to its command.'),
      terminationGracePeriodSeconds: seconds('How long it may take to end.', 1),
      volumes: kubernetesList('Volumes of its pods.'),
      volumeMounts: kubernetesList('Where its container mounts them.'),
      ...placementShape(),
      serviceAccount: serviceAccountValues(),
      podDisruptionBudget: disruptionValues('Keeps one of its pods while nodes are drained.'),
    })
    .partial()
    .describe('The autoscaler.');
}
