// Pieces that the chart's values are made of.

import { z } from 'zod';

/** An object of Kubernetes' own: the API server judges it. */
export function kubernetesObject(text: string): z.ZodRecord<z.ZodString, z.ZodUnknown> {
  return z.record(z.string(), z.unknown()).describe(text);
}

/** A list of Kubernetes' own objects. */
export function kubernetesList(text: string): z.ZodArray<z.ZodRecord<z.ZodString, z.ZodUnknown>> {
  return z.array(z.record(z.string(), z.unknown())).describe(text);
}

/** Labels, annotations and the like. */
export function textMap(text: string): z.ZodRecord<z.ZodString, z.ZodString> {
  return z.record(z.string(), z.string()).describe(text);
}

/** Text that may be empty for "not given". */
export function optionalText(text: string): z.ZodString {
  return z.string().describe(text);
}

/** A switch. */
export function flag(text: string): z.ZodBoolean {
  return z.boolean().describe(text);
}

/** A count of seconds. */
export function seconds(text: string, least = 0): z.ZodInt {
  return z.int().min(least).describe(text);
}

/** A number of pods, or a share of them such as `25%`. */
export function countOrShare(text: string): z.ZodUnion<readonly [z.ZodInt, z.ZodString]> {
  return z.union([z.int().min(0), z.string().regex(/^\d+%$/)]).describe(text);
}

/** The strict object of a schema, whatever it is wrapped in. Throws where there is none. */
export function objectOf(schema: z.ZodType): z.ZodObject {
  if (schema instanceof z.ZodObject) return schema;
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodNullable
  ) {
    return objectOf(schema.unwrap() as z.ZodType);
  }
  if (schema instanceof z.ZodUnion) {
    const object = (schema.options as readonly z.ZodType[]).find((option) => option instanceof z.ZodObject);
    if (object !== undefined) return object;
  }
  throw new Error('not the schema of an object');
}

/** What an object of values is laid over others for. */
export interface InheritOptions {
  /** Null takes away what would be inherited. Default false. */
  readonly nullable?: boolean;
}

/**
 * The same schema with every key optional, in objects within objects too: what is not said under a pool comes from `defaults`.
 * Items of lists stay whole, for a list is replaced and never merged.
 */
export function inherited(schema: z.ZodObject, options: InheritOptions = {}): z.ZodObject {
  const shape = Object.entries(schema.shape as Readonly<Record<string, z.ZodType>>).map(([name, of]) => {
    const inner = unwrapped(of);
    const part = inner instanceof z.ZodObject ? inherited(inner, options) : inner;
    const taken = options.nullable === true ? nullableWithin(part).nullable() : part;
    return [name, described(taken.optional(), of.description)];
  });
  return described(z.strictObject(Object.fromEntries(shape) as Record<string, z.ZodType>), schema.description);
}

/** A map whose entries may be null too, one by one. */
function nullableWithin(of: z.ZodType): z.ZodType {
  if (!(of instanceof z.ZodRecord)) return of;
  const value = of.valueType as z.ZodType;
  return value instanceof z.ZodUnknown ? of : z.record(of.keyType as z.ZodString, value.nullable());
}

function described<T extends z.ZodType>(schema: T, text: string | undefined): T {
  return text === undefined ? schema : schema.describe(text);
}

function unwrapped(of: z.ZodType): z.ZodType {
  const wrapped = of instanceof z.ZodOptional || of instanceof z.ZodDefault || of instanceof z.ZodPrefault || of instanceof z.ZodNullable;
  return wrapped ? unwrapped(of.unwrap() as z.ZodType) : of;
}
