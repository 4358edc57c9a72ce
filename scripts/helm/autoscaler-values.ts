// `autoscaler` of the chart's values.

import { z } from 'zod';
import { leaseSchema } from '../../packages/autoscaler/src/config/cluster-schema.ts';
import { disruptionValues, envValues, imageValues, logLevel, placementShape, resourceValues, serviceAccountValues } from './pod-values.ts';
import { flag, inherited, objectOf, optionalText, textMap } from './value-parts.ts';

/** The autoscaler's own Deployment and what belongs to it. */
export function autoscalerValues(): z.ZodObject {
  return z
    .strictObject({
      enabled: flag('Runs the autoscaler.'),
      replicas: z.int().min(1).max(10).describe('Pods of it; one acts, the others stand by.'),
      image: imageValues('Its image.'),
      args: z.array(z.string()).describe('Arguments after those of the chart.'),
      env: envValues(),
      resources: resourceValues(),
      logLevel: logLevel('Least level that it logs.'),
      lease: inherited(objectOf(leaseSchema(z)).omit({ name: true, namespace: true })).describe('The Lease by which one of its pods acts.'),
      kedaMetrics: flag("Metrics under KEDA's names too."),
      orderToken: z
        .strictObject({ existingSecret: optionalText('Name of the Secret.'), key: optionalText('Key in it.') })
        .partial()
        .describe('The token that orders over HTTP must bear.'),
      serviceAccount: serviceAccountValues(),
      rbac: z
        .strictObject({ create: flag('Makes Roles and RoleBindings.') })
        .partial()
        .describe('Its rights.'),
      podDisruptionBudget: disruptionValues('Keeps one of its pods while nodes are drained.'),
      ...placementShape(),
      serviceAnnotations: textMap('Annotations of its Services.'),
    })
    .partial()
    .describe('The autoscaler.');
}
