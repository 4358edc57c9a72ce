// Walks a JSON Schema of draft 7 as Helm reads it.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CHART } from './helm.ts';

export type Schema = { readonly [keyword: string]: unknown };

/** The chart's schema as it is in the chart. */
export function chartSchema(): Schema {
  return JSON.parse(readFileSync(join(CHART, 'values.schema.json'), 'utf8')) as Schema;
}

/** An object of the schema whose keys are all known. */
export interface ClosedObject {
  /** Keys from the top; `some-name` stands for any name, `0` for any item. */
  readonly path: readonly string[];
  readonly keys: readonly string[];
}

/** The name that stands for any. */
export const NAME = 'some-name';

/** Every object in which unknown keys are refused. */
export function closedObjects(schema: Schema, path: readonly string[] = []): readonly ClosedObject[] {
  const properties = propertiesOf(schema);
  const own = properties !== undefined && schema['additionalProperties'] === false ? [{ path, keys: Object.keys(properties) }] : [];
  const inner = Object.entries(properties ?? {}).flatMap(([name, of]) => closedObjects(of, [...path, name]));
  const named = isSchema(schema['additionalProperties']) ? closedObjects(schema['additionalProperties'], [...path, NAME]) : [];
  const items = isSchema(schema['items']) ? closedObjects(schema['items'], [...path, '0']) : [];
  const branches = Array.isArray(schema['anyOf']) ? schema['anyOf'].filter(isSchema).flatMap((branch) => closedObjects(branch, path)) : [];
  return [...own, ...inner, ...named, ...items, ...branches];
}

/** What a schema knows below an object; undefined where it says nothing. */
export function propertiesOf(schema: Schema): Readonly<Record<string, Schema>> | undefined {
  return schema['properties'] as Readonly<Record<string, Schema>> | undefined;
}

/** Whether a value is a schema of its own, and not a list or true. */
export function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Puts a value at a path of plain objects and lists, which are made. */
export function put(into: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let at: Record<string, unknown> = into;
  for (const [index, part] of path.entries()) {
    if (index === path.length - 1) at[part] = value;
    else {
      at[part] ??= path[index + 1] === '0' ? [] : {};
      at = at[part] as Record<string, unknown>;
    }
  }
}
