// JSON Schema of draft 7, which is what Helm reads, from zod; without what makes Helm's messages longer than the fault.

import { z } from 'zod';

export type JsonSchema = { readonly [keyword: string]: unknown };

/** Keywords that speak of one type only: branches of other types may stand beside them in one schema. */
const BY_TYPE: Readonly<Record<string, readonly string[]>> = {
  string: ['minLength', 'maxLength', 'pattern', 'format'],
  number: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'],
  integer: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'],
  boolean: [],
  null: [],
  object: ['properties', 'additionalProperties', 'propertyNames', 'required', 'minProperties'],
  array: ['items', 'minItems', 'maxItems', 'uniqueItems'],
};

/** What values may be written, as Helm takes it. Unknown keys are refused where `schema` is made of strict objects. */
export function helmSchema(schema: z.ZodType): JsonSchema {
  const made = z.toJSONSchema(schema, { io: 'input', target: 'draft-7' });
  const { $schema, ...rest } = simplified(made) as JsonSchema;
  return { $schema, ...rest };
}

function simplified(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(simplified);
  if (!isSchema(value)) return value;
  const { anyOf, ...rest } = Object.fromEntries(
    Object.entries(value)
      .filter(([keyword, of]) => !isEmptyWord(keyword, of))
      .map(([keyword, of]) => [keyword, keyword === 'enum' ? of : simplified(of)]),
  );
  if (!Array.isArray(anyOf)) return rest;
  const joined = joinedBranches(anyOf.filter(isSchema));
  return joined === undefined ? { ...rest, anyOf } : { ...joined, ...rest };
}

/** What says nothing: any key of an object, any value of a map, the bounds of what a double holds. */
function isEmptyWord(keyword: string, of: unknown): boolean {
  if (keyword === 'additionalProperties') return isSchema(of) && Object.keys(of).length === 0;
  if (keyword === 'propertyNames') return isSchema(of) && Object.keys(of).join() === 'type';
  return (keyword === 'minimum' || keyword === 'maximum') && Math.abs(of as number) === Number.MAX_SAFE_INTEGER;
}

/** One schema for branches of different types, which says the same in one message; undefined where there is none. */
function joinedBranches(branches: readonly JsonSchema[]): JsonSchema | undefined {
  const types = branches.flatMap(({ type }) => (Array.isArray(type) ? (type as readonly string[]) : [String(type)]));
  if (new Set(types).size !== types.length || types.includes('undefined')) return undefined;
  if (branches.some((branch) => 'enum' in branch)) return joinedValues(branches);
  const foreign = branches.some((branch) => Object.keys(branch).some((word) => word !== 'type' && !types.some((type) => BY_TYPE[type]?.includes(word))));
  if (foreign) return undefined;
  return { ...Object.assign({}, ...branches), type: types } as JsonSchema;
}

/** Branches that each allow a few values. */
function joinedValues(branches: readonly JsonSchema[]): JsonSchema | undefined {
  const values: unknown[] = [];
  for (const branch of branches) {
    if (Array.isArray(branch['enum'])) values.push(...(branch['enum'] as readonly unknown[]));
    else if (branch['type'] === 'boolean') values.push(true, false);
    else if (branch['type'] === 'null') values.push(null);
    else return undefined;
  }
  return { enum: values };
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
