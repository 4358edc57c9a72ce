import { type PoolSize, type QuantityKind, readQuantity } from '@celeriac/protocol';
import type { z as Zod } from 'zod';

/** The `size` of a pool: what one replica has. Quantities are Kubernetes' own and stay as they are written. */
export function poolSizeSchema(z: typeof Zod): Zod.ZodType<PoolSize> {
  const quantity = (kind: QuantityKind, text: string) =>
    z
      .union([z.string(), z.number()])
      .superRefine((written, context) => {
        const read = readQuantity(written, kind);
        if (read.kind === 'faulty') context.addIssue({ code: 'custom', message: read.text });
      })
      .describe(text);
  const devices = z.int().min(0).max(1_000);
  return z
    .strictObject({
      cpu: quantity('cpu', "Cores, such as 2 or '500m'.").optional(),
      memory: quantity('memory', "Bytes, such as '4Gi' or '1.5G'.").optional(),
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
          cpu: quantity('cpu', 'Cores of one task.').optional(),
          memory: quantity('memory', 'Bytes of one task.').optional(),
          gpu: z.number().min(0).max(1_000).optional().describe('Devices of one task; 0.5 for half of one.'),
        })
        .optional()
        .describe("What one task may use. Default: the replica's size divided by slotsPerReplica."),
    })
    .describe('What one replica has; where tasks say what they need, they go to the smallest pool that has it.');
}
