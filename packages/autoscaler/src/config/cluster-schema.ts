import type { z as Zod } from 'zod';
import type { PoolOfFile, PoolsFile } from './pools-file.ts';
import { duration, label, subdomain, type Z } from './schema-parts.ts';

type Deployment = NonNullable<PoolOfFile['target']['deployment']>;

/** `target.deployment` of a pool. */
export function deploymentSchema(z: Z): Zod.ZodType<Deployment> {
  return z
    .strictObject({
      namespace: label(z, 'a namespace').optional().describe('Default: the namespace of the autoscaler.'),
      name: subdomain(z),
      otherWriters: z
        .enum(['hold', 'ignore'])
        .default('hold')
        .describe(
          'Where an HPA, a ScaledObject or a GitOps tool writes its replicas too. hold: changes nothing until that ends. Default hold.',
        ),
      protectBusy: z
        .boolean()
        .default(false)
        .describe(
          'Where somebody else scales it (mode dry-run or off): busy pods carry a higher deletion cost and keep their node, so that shrinks take idle ones. Default false.',
        ),
      startTimeout: duration(z, 'How long a running pod may stay unheard of before it counts as stuck. Default 5m.').prefault('5m'),
      provisionTimeout: duration(z, 'How long a pod may wait for a node before it counts as stuck. Default 15m.').prefault('15m'),
      minGracePeriod: duration(
        z,
        'Warns where terminationGracePeriodSeconds is shorter: the longest task and 35 s more, which a Python worker may need. Default 65s.',
      ).prefault('65s'),
    })
    .describe('A Deployment of Kubernetes.');
}

/** `kubernetes` of the file. */
export function kubernetesSchema(z: Z): Zod.ZodType<PoolsFile['kubernetes']> {
  return z
    .strictObject({
      kubeconfig: z.string().min(1).optional().describe('A kubeconfig file. Default: the account of our pod, else as kubectl.'),
      context: z.string().min(1).optional().describe("Its context. Default: the file's current one."),
      namespace: label(z, 'a namespace').optional().describe('Of Deployments that name none. Default: that of our pod or of the context.'),
    })
    .optional()
    .describe('How the cluster is reached.');
}

/** `lease` of the file. */
export function leaseSchema(z: Z): Zod.ZodType<PoolsFile['lease']> {
  return z
    .union(
      [
        // A YAML 1.1 writer turns `off` into false.
        z.literal(['off', false]).transform(() => 'off' as const),
        z.strictObject({
          name: subdomain(z).default('celeriac-autoscaler'),
          namespace: label(z, 'a namespace').optional().describe('Default: the namespace of the autoscaler.'),
          duration: duration(z, 'How long others wait after its last renewal before they take it. Default 15s.').prefault('15s'),
          renewDeadline: duration(z, 'How long its holder acts on without a renewal. Default 10s.').prefault('10s'),
          retryPeriod: duration(z, 'How long to wait between two tries. Default 2s.').prefault('2s'),
        }),
      ],
      'off or { name, ... }',
    )
    .optional()
    .describe('The Lease by which one of several autoscalers acts, or off. Default: one where a pool scales a Deployment, else off.');
}
