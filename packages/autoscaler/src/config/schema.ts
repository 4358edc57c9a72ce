import type { z as Zod } from 'zod';
import { budgetShareSchema, budgetsSchema } from './budget-schema.ts';
import { deploymentSchema, kubernetesSchema, leaseSchema } from './cluster-schema.ts';
import type { PoolsFile } from './pools-file.ts';
import { scalingSchema } from './scaling-schema.ts';
import { duration, label, type Z } from './schema-parts.ts';
import { poolSizeSchema } from './size-schema.ts';

/** The one source of what pools.yaml may say: it validates the file and makes the JSON Schema for editors. */
export function poolsFileSchema(z: Z): Zod.ZodType<PoolsFile> {
  const words = (text: string) => z.array(z.string().min(1)).min(1).describe(text);
  const target = z
    .strictObject({
      local: z
        .strictObject({
          command: words('Program and arguments; {queues} {name} {slots} {pool} are filled in, no shell is involved.'),
          cwd: z.string().min(1).optional().describe('Working directory. Default: that of the autoscaler.'),
          startTimeout: duration(z, 'How long a worker may take to be heard of. Default 1m.').prefault('1m'),
          drainTimeout: duration(z, 'How long the autoscaler waits for its workers when it stops. Default 10m.').prefault('10m'),
        })
        .optional()
        .describe('Processes of this machine.'),
      deployment: deploymentSchema(z).optional(),
    })
    .describe('What is scaled: exactly one of local and deployment.');
  const pool = z.strictObject({
    queues: words('Queues its workers serve; a queue belongs to one pool.'),
    slotsPerReplica: z.int().min(1).max(10_000).optional().describe("A worker's concurrency. Default: learnt from its heartbeats."),
    size: poolSizeSchema(z).optional(),
    budget: budgetShareSchema(z),
    scaling: scalingSchema(z),
    target,
  });
  const broker = z
    .strictObject({
      url: z.string().min(1).optional().describe("As Celery's broker_url."),
      urlFile: z.string().min(1).optional().describe('A file that holds the URL, such as a mounted secret.'),
      transportOptions: z
        .record(z.string(), z.unknown())
        .optional()
        .describe("Celery's broker_transport_options in camelCase, such as globalKeyprefix."),
    })
    .describe('Where the queues are: url or urlFile.');
  return z.strictObject({
    broker: broker.optional(),
    kubernetes: kubernetesSchema(z),
    lease: leaseSchema(z),
    budgets: budgetsSchema(z),
    pools: z.record(label(z, 'a pool name'), pool),
  });
}
