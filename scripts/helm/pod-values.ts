// What the pods of workers and of the autoscaler have in common in the chart's values.

import { z } from 'zod';
import { countOrShare, flag, kubernetesList, kubernetesObject, optionalText, textMap } from './value-parts.ts';

const DIGEST = /^(sha256:[0-9a-f]{64})?$/;

/** `image`: of the whole chart, of a pool, of the autoscaler. */
export function imageValues(text: string): z.ZodObject {
  return z
    .strictObject({
      registry: optionalText('Registry, such as `registry.example.com`; empty for what the repository says.'),
      repository: optionalText('Repository without tag.'),
      tag: optionalText("Tag. Default: the chart's appVersion."),
      digest: z.string().regex(DIGEST).describe('`sha256:…`; wins over the tag.'),
      pullPolicy: z.enum(['', 'Always', 'IfNotPresent', 'Never']).describe("Kubernetes' imagePullPolicy."),
    })
    .partial()
    .describe(text);
}

/** `logLevel` of workers and of the autoscaler. */
export function logLevel(text: string): z.ZodType {
  return z.enum(['debug', 'info', 'warn', 'error']).describe(text);
}

/** `resources` of a container. */
export function resourceValues(): z.ZodObject {
  const amounts = z.record(z.string(), z.union([z.string(), z.number()]));
  return z
    .strictObject({
      limits: amounts.describe('At most, by resource.'),
      requests: amounts.describe('What is set aside, by resource.'),
      claims: kubernetesList('Claims of dynamic resource allocation.'),
    })
    .partial()
    .describe('Of the container.');
}

/** `env`: by name, so that a pool's entry takes the place of the one it inherits. */
export function envValues(): z.ZodType {
  const from = z.strictObject({ valueFrom: kubernetesObject("Kubernetes' valueFrom.") });
  return z
    .record(z.string().regex(/^[-._a-zA-Z][-._a-zA-Z0-9]*$/), z.union([z.string(), z.number(), z.boolean(), from]))
    .describe('Environment by name: a value, or an object with `valueFrom`; under a pool null takes away what is inherited.');
}

/** `serviceAccount` of a pool or of the autoscaler. */
export function serviceAccountValues(): z.ZodObject {
  return z
    .strictObject({
      create: flag('Makes one.'),
      name: optionalText('Its name. Default: worked out when it is made, else `default`.'),
      annotations: textMap('Its annotations.'),
    })
    .partial()
    .describe('The account its pods run as.');
}

/** `podDisruptionBudget`. */
export function disruptionValues(text: string): z.ZodObject {
  return z
    .strictObject({
      enabled: flag('Makes it.'),
      maxUnavailable: countOrShare('Pods that may be away at once, or a share such as `50%`.'),
    })
    .partial()
    .describe(text);
}

/** Where pods go, and what is Kubernetes' own about them. */
export function placementShape() {
  return {
    nodeSelector: textMap('Labels a node must have.'),
    tolerations: kubernetesList('Taints that are tolerated.'),
    affinity: kubernetesObject("Kubernetes' affinity."),
    topologySpreadConstraints: kubernetesList('How pods spread; `labelSelector` is filled in where it is left out.'),
    priorityClassName: optionalText('PriorityClass.'),
    podAnnotations: textMap('Annotations of the pods.'),
    podLabels: textMap('Labels of the pods.'),
    podSecurityContext: kubernetesObject('Security context of the pods. Default: what Pod Security "restricted" asks for.'),
    securityContext: kubernetesObject('Security context of the containers. Default: what Pod Security "restricted" asks for.'),
  } satisfies Record<string, z.ZodType>;
}
