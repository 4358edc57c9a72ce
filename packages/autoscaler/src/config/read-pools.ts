import { CeleriacError } from '@celeriac/protocol';
import type { Document, LineCounter, Node, Pair } from 'yaml';
import { crossFaults } from './cross-faults.ts';
import type { Fault, Path } from './fault.ts';
import { nearestName } from './nearest-name.ts';
import type { PoolsConfig } from './pools-config.ts';
import { scheduleFaults } from './schedule-faults.ts';
import { poolsFileSchema } from './schema.ts';
import { toConfig } from './to-config.ts';

/** The JSON Schema of pools.yaml, for editors: `# yaml-language-server: $schema=...`. */
export async function poolsJsonSchema(): Promise<Record<string, unknown>> {
  const { z } = await import('zod');
  return { title: 'Celeriac pools.yaml', ...z.toJSONSchema(poolsFileSchema(z), { io: 'input' }) };
}

/**
 * Reads the text of a pools.yaml.
 * @param name the file's name, for messages
 * @throws CeleriacError CELERIAC_E_CONFIG that lists every fault with its line; an unknown key with the nearest known one
 */
export async function readPools(text: string, name = 'pools.yaml'): Promise<PoolsConfig> {
  const [{ LineCounter, parseDocument }, { z }] = await Promise.all([import('yaml'), import('zod')]);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
  if (document.errors.length > 0) {
    throw refused(
      name,
      document.errors.map((error) => `line ${error.linePos?.[0].line ?? 1}: ${error.message.split('\n')[0]}`),
    );
  }
  const schema = poolsFileSchema(z);
  const parsed = schema.safeParse(document.toJS({ maxAliasCount: 100 }));
  const fault = ({ path, text: what }: Fault): string => `line ${lineOf(document, lines, path)}: ${where(path)}${what}`;
  if (!parsed.success) {
    const known = z.toJSONSchema(schema, { io: 'input' });
    throw refused(name, parsed.error.issues.flatMap((issue) => faultsOf(issue, known)).map(fault));
  }
  const faults = [...crossFaults(parsed.data), ...(await scheduleFaults(parsed.data))];
  if (faults.length > 0) throw refused(name, faults.map(fault));
  return toConfig(parsed.data);
}

function refused(name: string, faults: readonly string[]): CeleriacError {
  return new CeleriacError('CELERIAC_E_CONFIG', `${name}: ${faults.join('\n  ')}`, { data: { faults } });
}

function where(path: Path): string {
  return path.length === 0 ? '' : `${path.join('.')}: `;
}

/** What zod says of a value. */
interface Issue {
  readonly code?: string;
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly keys?: readonly string[];
  /** Of a union: what each of its branches says. */
  readonly errors?: readonly (readonly Issue[])[];
}

function faultsOf(issue: Issue, schema: unknown, outer: Path = []): readonly Fault[] {
  const path = [...outer, ...issue.path.map((part) => (typeof part === 'symbol' ? part.toString() : part))];
  // Of several ways to write a value, the one that was meant is the one of the right type.
  const meant = issue.errors?.find((branch) => branch.every((inner) => inner.path.length > 0 || inner.code === 'unrecognized_keys'));
  if (meant !== undefined) return meant.flatMap((inner) => faultsOf(inner, schema, path));
  if (issue.code !== 'unrecognized_keys' || issue.keys === undefined) return [{ path, text: issue.message }];
  const known = knownKeys(schema, path);
  return issue.keys.map((key) => {
    const near = nearestName(key, known);
    const hint = near === undefined ? `known here: ${known.join(', ')}` : `did you mean ${near}?`;
    return { path: [...path, key], text: `unknown key; ${hint}` };
  });
}

/** The keys the JSON Schema knows at a path. */
function knownKeys(schema: unknown, path: Path): readonly string[] {
  let at: unknown = schema;
  for (const part of path) {
    const object = objectOf(at);
    if (object === undefined) return [];
    const properties = isRecord(object.properties) ? object.properties[part] : undefined;
    at = properties ?? object.additionalProperties ?? object.items;
  }
  const object = objectOf(at);
  return isRecord(object?.properties) ? Object.keys(object.properties) : [];
}

/** A schema itself, or the branch of it that is an object. */
function objectOf(schema: unknown): Record<string, unknown> | undefined {
  if (!isRecord(schema)) return undefined;
  const branches: unknown = schema.anyOf;
  return Array.isArray(branches) ? branches.filter(isRecord).find((branch) => branch.type === 'object') : schema;
}

/** The line of a path's last key that exists, from 1. */
function lineOf(document: Document, lines: LineCounter, path: Path): number {
  let offset = 0;
  let at: unknown = document.contents;
  for (const part of path) {
    const items: unknown = isRecord(at) ? (at as { items?: unknown }).items : undefined;
    if (!Array.isArray(items)) break;
    const found: unknown =
      typeof part === 'number' ? items[part] : items.find((pair: Pair) => String((pair.key as { value?: unknown } | null)?.value) === part);
    if (!isRecord(found)) break;
    const node = ('key' in found ? found.key : found) as Node | null;
    offset = node?.range?.[0] ?? offset;
    at = 'key' in found ? found.value : found;
  }
  return lines.linePos(offset).line;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
