import { CeleriacError } from '@celeriac/protocol';
import type { Document, LineCounter, Node, Pair } from 'yaml';
import { nearestName } from './nearest-name.ts';
import type { BrokerConfig, PoolConfig, PoolsConfig, TargetConfig } from './pools-config.ts';
import { type PoolsFile, poolsFileSchema } from './schema.ts';

type Path = readonly (string | number)[];
/** One fault of the file. */
interface Fault {
  readonly path: Path;
  readonly text: string;
}

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
  const faults = crossFaults(parsed.data);
  if (faults.length > 0) throw refused(name, faults.map(fault));
  return toConfig(parsed.data);
}

function refused(name: string, faults: readonly string[]): CeleriacError {
  return new CeleriacError('CELERIAC_E_CONFIG', `${name}: ${faults.join('\n  ')}`, { data: { faults } });
}

function where(path: Path): string {
  return path.length === 0 ? '' : `${path.join('.')}: `;
}

function faultsOf(
  issue: { readonly code?: string; readonly path: readonly PropertyKey[]; readonly message: string; readonly keys?: readonly string[] },
  schema: unknown,
): readonly Fault[] {
  const path = issue.path.map((part) => (typeof part === 'symbol' ? part.toString() : part));
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
    if (!isRecord(at)) return [];
    const properties = isRecord(at.properties) ? at.properties[part] : undefined;
    at = properties ?? at.additionalProperties ?? at.items;
  }
  return isRecord(at) && isRecord(at.properties) ? Object.keys(at.properties) : [];
}

function crossFaults(file: PoolsFile): readonly Fault[] {
  const faults: Fault[] = [];
  const owners = new Map<string, string>();
  const broker = file.broker;
  if (broker !== undefined && (broker.url === undefined) === (broker.urlFile === undefined)) {
    faults.push({ path: ['broker'], text: 'give either url or urlFile' });
  }
  if (Object.keys(file.pools).length === 0) faults.push({ path: ['pools'], text: 'no pool' });
  for (const [pool, { queues, scaling, target }] of Object.entries(file.pools)) {
    for (const [index, queue] of queues.entries()) {
      const owner = owners.get(queue);
      if (owner !== undefined) {
        const text = owner === pool ? `queue ${queue} is there twice` : `queue ${queue} belongs to pool ${owner} already`;
        faults.push({ path: ['pools', pool, 'queues', index], text });
      }
      owners.set(queue, pool);
    }
    if (scaling.min > scaling.max)
      faults.push({ path: ['pools', pool, 'scaling', 'min'], text: `min ${scaling.min} is above max ${scaling.max}` });
    if (scaling.fallback !== undefined && scaling.fallback.replicas > scaling.max) {
      faults.push({
        path: ['pools', pool, 'scaling', 'fallback', 'replicas'],
        text: `${scaling.fallback.replicas} is above max ${scaling.max}`,
      });
    }
    if ((target.local === undefined) === (target.deployment === undefined)) {
      faults.push({ path: ['pools', pool, 'target'], text: 'give exactly one of local and deployment' });
    }
  }
  return faults;
}

function toConfig(file: PoolsFile): PoolsConfig {
  return {
    broker: toBroker(file.broker),
    pools: Object.entries(file.pools).map(([pool, { queues, slotsPerReplica, size, scaling, target }]): PoolConfig => {
      const { goal, fallback } = scaling;
      return {
        spec: {
          pool,
          queues: queues.map((name) => ({ name, waitGoalMs: goal.queueWait })),
          slotsPerReplica: slotsPerReplica ?? null,
          mode: scaling.mode,
          pause: scaling.paused ? 'all' : null,
          min: scaling.min,
          max: scaling.max,
          idleToZeroMs: scaling.idleToZero,
          downDelayMs: scaling.downDelay,
          fallback: fallback === undefined ? null : { replicas: fallback.replicas, afterMs: fallback.after },
          maxUpStep: scaling.maxUpStep ?? null,
          maxPending: scaling.maxPending ?? null,
          expectedServiceMs: goal.expectedTaskTime,
          expectedColdStartMs: goal.expectedStartTime,
          headroom: goal.headroom,
        },
        target: toTarget(target),
        size,
      };
    }),
  };
}

function toBroker(broker: PoolsFile['broker']): BrokerConfig | undefined {
  if (broker === undefined) return undefined;
  const { url, urlFile, transportOptions = {} } = broker;
  return { source: url !== undefined ? { url } : { urlFile: urlFile ?? '' }, transportOptions };
}

function toTarget(target: PoolsFile['pools'][string]['target']): TargetConfig {
  if (target.local !== undefined) {
    const { command, cwd, startTimeout, drainTimeout } = target.local;
    return { kind: 'local', command, cwd, startTimeoutMs: startTimeout, drainTimeoutMs: drainTimeout };
  }
  return { kind: 'deployment', namespace: target.deployment?.namespace, name: target.deployment?.name ?? '' };
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
