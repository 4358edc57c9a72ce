import type { GpuCount } from './pool-size.ts';
import { type Quantity, type QuantityKind, readQuantity } from './quantity.ts';

/**
 * What a task needs to run: named by its contract or definition, or stated at a call. Absent and null fields are not asked for; a call's null takes
 * back what the contract asks. 0 asks for nothing.
 */
export interface TaskNeeds {
  /** Cores. */
  readonly cpu?: Quantity | null | undefined;
  /** Bytes. */
  readonly memory?: Quantity | null | undefined;
  /** Devices; a fraction for a share of one. */
  readonly gpu?: number | GpuCount | null | undefined;
  /** The image of the pool, or a shell pattern of it, such as `registry.example/ml:*`. */
  readonly image?: string | null | undefined;
  /** Every one must be a label of the pool, with the same value. */
  readonly labels?: Readonly<Record<string, string | null>> | null | undefined;
  /** The only pool that will do. */
  readonly pool?: string | null | undefined;
}

/** An amount a task asks for, exact and as it was written. */
export interface NeededAmount {
  readonly nano: bigint;
  readonly text: string;
}

/** Needs whose every field has been read; null where nothing is asked. */
export interface ReadNeeds {
  readonly cpu: NeededAmount | null;
  readonly memory: NeededAmount | null;
  readonly gpu: NeededAmount | null;
  readonly gpuModel: string | null;
  readonly image: string | null;
  readonly labels: readonly (readonly [name: string, value: string])[];
  readonly pool: string | null;
  /** Of all of it, for messages: `cpu 2, memory 4Gi`. Empty where nothing is asked. */
  readonly text: string;
}

/** Needs that could be read, or every fault with its place and what to write instead. */
export type ReadNeedsResult =
  | { readonly kind: 'needs'; readonly needs: ReadNeeds }
  | { readonly kind: 'faulty'; readonly faults: readonly string[] };

const FIELDS: ReadonlySet<string> = new Set(['cpu', 'memory', 'gpu', 'image', 'labels', 'pool']);

/** Lays later needs over earlier ones, field by field, and labels label by label; undefined where none are given. */
export function mergeNeeds(...all: readonly (TaskNeeds | undefined)[]): TaskNeeds | undefined {
  let merged: TaskNeeds | undefined;
  for (const needs of all) {
    if (needs === undefined || needs === null) continue;
    if (merged === undefined) {
      merged = needs;
      continue;
    }
    const labels = needs.labels == null || merged.labels == null ? needs.labels : { ...merged.labels, ...needs.labels };
    const stated = Object.entries({ ...needs, labels }).filter(([, value]) => value !== undefined);
    merged = { ...merged, ...Object.fromEntries(stated) };
  }
  return merged;
}

/** Reads needs from wherever they come. Total. */
export function readNeeds(written: unknown): ReadNeedsResult {
  const faults: string[] = [];
  if (!isRecord(written)) return { kind: 'faulty', faults: ['needs are an object, such as { cpu: 2, memory: "4Gi" }'] };
  for (const field of Object.keys(written)) {
    if (!FIELDS.has(field)) faults.push(`${field}: unknown; known are ${[...FIELDS].join(', ')}`);
  }
  const amount = (field: string, value: unknown, kind: QuantityKind): NeededAmount | null => {
    if (value === undefined || value === null) return null;
    const read = readQuantity(value, kind);
    if (read.kind === 'amount') return read.nano === 0n ? null : { nano: read.nano, text: String(value) };
    faults.push(`${field}: ${read.text}`);
    return null;
  };
  const name = (field: string, value: unknown): string | null => {
    if (value === undefined || value === null) return null;
    if (typeof value === 'string' && value !== '') return value;
    faults.push(`${field}: text is needed`);
    return null;
  };
  const { gpu: devices } = written;
  const gpu = isRecord(devices) ? devices : { count: devices ?? 0 };
  for (const field of Object.keys(gpu)) {
    if (field !== 'count' && field !== 'model') faults.push(`gpu.${field}: unknown; known are count, model`);
  }
  const [model, count] = [name('gpu.model', gpu['model']), gpu['count'] ?? 1];
  if (typeof count !== 'number') faults.push(`gpu: a number of devices is needed, or { count, model }`);
  const read: Omit<ReadNeeds, 'text'> = {
    cpu: amount('cpu', written['cpu'], 'cpu'),
    memory: amount('memory', written['memory'], 'memory'),
    gpu: typeof count === 'number' ? amount('gpu', count, 'gpu') : null,
    gpuModel: count === 0 ? null : model,
    image: name('image', written['image']),
    labels: labelsOf(written['labels'], faults),
    pool: name('pool', written['pool']),
  };
  return faults.length > 0 ? { kind: 'faulty', faults } : { kind: 'needs', needs: { ...read, text: textOf(read) } };
}

function labelsOf(written: unknown, faults: string[]): readonly (readonly [string, string])[] {
  if (written === undefined || written === null) return [];
  if (!isRecord(written)) {
    faults.push('labels: an object of names to values is needed');
    return [];
  }
  const labels: [string, string][] = [];
  for (const [label, value] of Object.entries(written)) {
    if (typeof value === 'string') labels.push([label, value]);
    else if (value !== null) faults.push(`labels.${label}: text is needed`);
  }
  return labels;
}

function textOf({ cpu, memory, gpu, gpuModel, image, labels, pool }: Omit<ReadNeeds, 'text'>): string {
  return [
    ...(cpu === null ? [] : [`cpu ${cpu.text}`]),
    ...(memory === null ? [] : [`memory ${memory.text}`]),
    ...(gpu === null ? [] : [`gpu ${gpu.text}`]),
    ...(gpuModel === null ? [] : [`gpu model ${gpuModel}`]),
    ...(image === null ? [] : [`image ${image}`]),
    ...labels.map(([label, value]) => `label ${label}=${value}`),
    ...(pool === null ? [] : [`pool ${pool}`]),
  ].join(', ');
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
