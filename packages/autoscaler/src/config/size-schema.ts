import type { PoolSize } from '@celeriac/protocol';
import type { z as Zod } from 'zod';
import { quantity, type Z } from './schema-parts.ts';

/** The `size` of a pool: what one replica has. Quantities are Kubernetes' own and stay as they are written. */
export function poolSizeSchema(z: Z): Zod.ZodType<PoolSize> {
  const devices = z.int().min(0).max(1_000);
  return z
    .strictObject({
      cpu: quantity(z, 'cpu', "Cores, such as 2 or '500m'.").optional(),
      memory: quantity(z, 'memory', "Bytes, such as '4Gi' or '1.5G'.").optional(),
      gpu: z
        .union([
          devices,
          z.strictObject({
            count: devices.optional(),
            model: z.string().min(1).optional().describe('Tasks may ask for it, such as a100.'),
          }),
        ])
        .optional()
        .describe('Whole devices, or { count, model }. Default 0.'),
      image: z.string().min(1).optional().describe('The image its container runs; tasks may ask for it.'),
      labels: z.record(z.string().min(1), z.string()).optional().describe('Tasks may ask for any of them.'),
      perTask: z
        .strictObject({
          cpu: quantity(z, 'cpu', 'Cores of one task.').optional(),
          memory: quantity(z, 'memory', 'Bytes of one task.').optional(),
          gpu: z.number().min(0).max(1_000).optional().describe('Devices of one task; 0.5 for half of one.'),
        })
        .optional()
        .describe("What one task may use. Default: the replica's size divided by slotsPerReplica."),
    })
    .describe('What one replica has; where tasks say what they need, they go to the smallest pool that has it.');
}
