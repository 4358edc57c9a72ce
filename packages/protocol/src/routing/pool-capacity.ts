import { matchesGlob } from './glob.ts';
import type { RoutedPool } from './pool-size.ts';
import { type QuantityKind, quantityText, readQuantity } from './quantity.ts';
import type { ReadNeeds } from './task-needs.ts';

/** What one task may use of something: `nano / parts` billionths exactly, or unknown, which is never enough. */
export type Share =
  | { readonly kind: 'known'; readonly nano: bigint; readonly parts: bigint; readonly text: string }
  | { readonly kind: 'unknown'; readonly text: string };

/** What one task may use of a pool. */
export interface PoolCapacity {
  readonly pool: string;
  readonly queues: readonly string[];
  readonly cpu: Share;
  readonly memory: Share;
  readonly gpu: Share;
  readonly gpuModel: string | null;
  readonly image: string | null;
  readonly labels: ReadonlyMap<string, string>;
}

type Fault = (place: string, text: string) => void;
type Fields = Readonly<Record<string, unknown>>;

/**
 * Works out what one task may use of a pool: what `size.perTask` states, else the replica's size divided by its slots, for a task takes one slot.
 * Tells every fault with its place; the capacity is of use only where there was none.
 */
export function capacityOf(pool: string, written: RoutedPool, fault: Fault): PoolCapacity {
  const fields = fieldsOf(written, '', null, fault);
  const size = fieldsOf(fields['size'], 'size', ['cpu', 'memory', 'gpu', 'image', 'labels', 'perTask'], fault);
  const perTask = fieldsOf(size['perTask'], 'size.perTask', ['cpu', 'memory', 'gpu'], fault);
  const gpu = isRecord(size['gpu']) ? fieldsOf(size['gpu'], 'size.gpu', ['count', 'model'], fault) : { count: size['gpu'] ?? 0 };
  const devices = gpu['count'] ?? 1;
  if (!Number.isSafeInteger(devices)) fault('size.gpu', 'a whole number of devices is needed');
  const slots = fields['slotsPerReplica'] ?? null;
  if (slots !== null && !(Number.isSafeInteger(slots) && (slots as number) > 0))
    fault('slotsPerReplica', 'a whole number from 1 is needed');

  const shareOf = (kind: QuantityKind, whole: unknown): Share => {
    const all = nanoOf(whole, kind, `size.${kind}`, fault);
    const own = nanoOf(perTask[kind], kind, `size.perTask.${kind}`, fault);
    if (all !== null && own !== null && own > all)
      fault(`size.perTask.${kind}`, `${String(perTask[kind])} is more than the ${String(whole)} of a replica`);
    if (own !== null) return { kind: 'known', nano: own, parts: 1n, text: String(perTask[kind]) };
    if (all === null) return { kind: 'unknown', text: 'not declared' };
    if (all === 0n || slots === 1) return { kind: 'known', nano: all, parts: 1n, text: String(whole) };
    if (!Number.isSafeInteger(slots)) return { kind: 'unknown', text: 'per task unknown without slotsPerReplica' };
    const parts = BigInt(slots as number);
    return { kind: 'known', nano: all, parts, text: `${quantityText(all / parts, kind)} (${String(whole)} in ${parts} slots)` };
  };
  return {
    pool,
    queues: queuesOf(fields['queues'], fault),
    cpu: shareOf('cpu', size['cpu']),
    memory: shareOf('memory', size['memory']),
    gpu: shareOf('gpu', devices),
    gpuModel: textOf(gpu['model'], 'size.gpu.model', fault),
    image: textOf(size['image'], 'size.image', fault),
    labels: new Map(
      Object.entries(fieldsOf(size['labels'], 'size.labels', null, fault)).map(([label, value]) => [
        label,
        textOf(value ?? 0, `size.labels.${label}`, fault) ?? '',
      ]),
    ),
  };
}

/** What a pool is short of for a task, such as `memory 8Gi < 16Gi`; empty where the task fits. */
export function shortagesOf(needs: ReadNeeds, capacity: PoolCapacity): readonly string[] {
  const short: string[] = [];
  for (const kind of ['cpu', 'memory', 'gpu'] as const) {
    const [need, share] = [needs[kind], capacity[kind]];
    if (need === null) continue;
    if (share.kind === 'unknown') short.push(`${kind} ${share.text}, needs ${need.text}`);
    else if (need.nano * share.parts > share.nano) short.push(`${kind} ${share.text} < ${need.text}`);
  }
  const { gpu, gpuModel, image, labels } = capacity;
  const hasGpu = gpu.kind === 'unknown' || gpu.nano > 0n;
  if (hasGpu && needs.gpuModel !== null && needs.gpuModel !== gpuModel)
    short.push(`gpu model ${gpuModel ?? 'not declared'}, needs ${needs.gpuModel}`);
  if (needs.image !== null && (image === null || !matchesGlob(needs.image, image)))
    short.push(`image ${image ?? 'not declared'}, needs ${needs.image}`);
  for (const [label, value] of needs.labels) {
    const has = labels.get(label);
    if (has !== value) short.push(has === undefined ? `no label ${label}=${value}` : `label ${label}=${has}, needs ${value}`);
  }
  return short;
}

function queuesOf(written: unknown, fault: Fault): readonly string[] {
  const usable = Array.isArray(written) && written.length > 0 && written.every((queue) => typeof queue === 'string' && queue !== '');
  if (!usable) fault('queues', 'a list of at least one queue is needed');
  return usable ? (written as readonly string[]) : [];
}

/** The fields of an object that may be left out; `known` null allows any. */
function fieldsOf(written: unknown, place: string, known: readonly string[] | null, fault: Fault): Fields {
  if (written === undefined || written === null) return {};
  if (!isRecord(written)) {
    fault(place, 'an object is needed');
    return {};
  }
  for (const key of known === null ? [] : Object.keys(written)) {
    if (known?.includes(key) !== true) fault(`${place}.${key}`, `unknown; known are ${known?.join(', ')}`);
  }
  return written;
}

function nanoOf(written: unknown, kind: QuantityKind, place: string, fault: Fault): bigint | null {
  if (written === undefined || written === null) return null;
  const read = readQuantity(written, kind);
  if (read.kind === 'amount') return read.nano;
  fault(place, read.text);
  return null;
}

function textOf(written: unknown, place: string, fault: Fault): string | null {
  if (written === undefined || written === null) return null;
  if (typeof written === 'string') return written;
  fault(place, 'text is needed');
  return null;
}

function isRecord(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
