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
  if (branches.some((branch) => 'enum' in branch)) return joinedValues(branches);
  const types = branches.flatMap(({ type }) => (Array.isArray(type) ? (type as readonly string[]) : [String(type)]));
  if (new Set(types).size !== types.length) return undefined;
  const known = ['type', 'description', ...types.flatMap((type) => BY_TYPE[type] ?? [])];
  const foreign = branches.some((branch) => Object.keys(branch).some((word) => !known.includes(word)));
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

/** The schema as text: lists of plain values on one line, as the repository's formatter has them. */
export function schemaText(schema: JsonSchema): string {
  return `${printed(schema, '')}\n`;
}

const MOST_COLUMNS = 140;

function printed(value: unknown, indent: string, before = 0): string {
  const deeper = `${indent}  `;
  if (Array.isArray(value)) {
    const items: readonly unknown[] = value;
    const line = `[${items.map((item) => JSON.stringify(item)).join(', ')}]`;
    const plain = items.every((item) => typeof item !== 'object' || item === null);
    if (plain && indent.length + before + line.length < MOST_COLUMNS) return line;
    return `[\n${items.map((item) => deeper + printed(item, deeper)).join(',\n')}\n${indent}]`;
  }
  if (!isSchema(value)) return JSON.stringify(value);
  const pairs = Object.entries(value).map(([key, of]) => {
    const name = `${JSON.stringify(key)}: `;
    return deeper + name + printed(of, deeper, name.length);
  });
  return pairs.length === 0 ? '{}' : `{\n${pairs.join(',\n')}\n${indent}}`;
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
