import { type QuantityKind, readQuantity } from '@celeriac/protocol';
import type { z as Zod } from 'zod';
import { DURATION_PATTERN, parseDurationMs } from './duration.ts';

/** zod, handed in: only reading a file loads it. */
export type Z = typeof Zod;

/** A duration with its unit, in ms once read. */
export function duration(z: Z, text: string): Zod.ZodPipe<Zod.ZodString, Zod.ZodTransform<number, string>> {
  return z
    .string()
    .regex(DURATION_PATTERN, 'a duration is a number and its unit: 250ms, 10s, 5m, 2h, 1d')
    .transform((written) => parseDurationMs(written) ?? 0)
    .describe(text);
}

/** A number of replicas. */
export function count(z: Z, text: string): Zod.ZodInt {
  return z.int().min(0).max(100_000).describe(text);
}

/** What a quantity looks like, for readers of the JSON Schema; `readQuantity` knows better. */
const QUANTITY_PATTERN = '^\\+?(\\d+(\\.\\d*)?|\\.\\d+)([eE][+-]?\\d{1,3}|[KMGTPE]i|[numkMGTPE])?$';

/** One of Kubernetes' quantities, checked and kept as it is written. */
export function quantity(z: Z, kind: QuantityKind, text: string): Zod.ZodUnion<readonly [Zod.ZodString, Zod.ZodNumber]> {
  return z
    .union([z.string(), z.number()])
    .superRefine((written, context) => {
      const read = readQuantity(written, kind);
      if (read.kind === 'faulty') context.addIssue({ code: 'custom', message: read.text });
    })
    .meta({ description: text, pattern: QUANTITY_PATTERN, minimum: 0 });
}

/** A name as Kubernetes' DNS labels. */
export function label(z: Z, text: string): Zod.ZodString {
  return z.string().regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, `${text} has lower case letters, digits and hyphens, at most 63`);
}

/** A name as Kubernetes' DNS subdomains: of Deployments and Leases. */
export function subdomain(z: Z): Zod.ZodString {
  return z
    .string()
    .max(253)
    .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/, 'a name has lower case letters, digits, hyphens and dots');
}
