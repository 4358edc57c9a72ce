import type { z as Zod } from 'zod';
import type { PoolOfFile, PoolsFile } from './pools-file.ts';
import { count, label, quantity, type Z } from './schema-parts.ts';

/** `budgets` of the file. */
export function budgetsSchema(z: Z): Zod.ZodType<PoolsFile['budgets']> {
  return z
    .record(
      label(z, 'the name of a budget'),
      z.strictObject({
        cpu: quantity(z, 'cpu', "Cores of all its pools together, such as 40 or '500m'.").optional(),
        memory: quantity(z, 'memory', "Bytes of all its pools together, such as '160Gi'.").optional(),
        gpu: z.int().min(0).max(100_000).optional().describe('Whole devices of all its pools together.'),
        replicas: count(z, 'Replicas of all its pools together, whatever their size.').optional(),
      }),
    )
    .optional()
    .describe('Limits that pools share.');
}

/** `budget` of a pool. */
export function budgetShareSchema(z: Z): Zod.ZodType<PoolOfFile['budget']> {
  return z
    .strictObject({
      from: z.string().min(1).describe('Name of the budget.'),
      tier: z.int().min(0).max(100).default(1).describe('Lower ones are served first. Default 1.'),
      weight: z.number().min(0.01).max(1_000).default(1).describe('What it weighs among the pools of its tier. Default 1.'),
    })
    .optional()
    .describe('The budget the pool shares. Running work is never taken back for another pool.');
}
