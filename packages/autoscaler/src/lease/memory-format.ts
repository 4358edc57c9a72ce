// What survives the holder of a lease, as text: readable while it is small, packed once it is not.

import { gunzipSync, gzipSync } from 'node:zlib';
import { CeleriacError } from '@celeriac/protocol';
import { noOrders, type Orders } from '../decide/seen.ts';
import { noColdStart } from '../window/cold-start.ts';
import type { HighWater } from '../window/high-water.ts';
import { noServiceTime, type ServiceTime } from '../window/service-time.ts';
import type { PoolMemory } from './memory.ts';

/** Raised when a text of the new kind would be misread by the old code. New fields alone do not need it. */
const VERSION = 1;
/** Longer texts are packed, bytes. */
const PLAIN_BYTES = 4_096;
/** What is unpacked at most, bytes: nobody's memory is larger, whatever the annotation claims. */
const UNPACKED_BYTES = 16 * 1_024 * 1_024;
/** Wishes kept; of more, neighbours are joined so that no shrink comes earlier by it. */
const WISHES = 16;

type Row = Readonly<Record<string, unknown>>;

/** The text of these memories. */
export function formatMemory(pools: ReadonlyMap<string, PoolMemory>): string {
  const rows = Object.fromEntries([...pools].map(([name, memory]) => [name, rowOf(memory)]));
  const plain = JSON.stringify({ v: VERSION, pools: rows });
  if (plain.length <= PLAIN_BYTES) return plain;
  return JSON.stringify({ v: VERSION, gzip: gzipSync(JSON.stringify(rows)).toString('base64') });
}

/**
 * The memories of a text; a field that is missing or makes no sense is as if nothing had been learnt. Throws CELERIAC_E_LEASE_MEMORY for a
 * text that cannot be read or is of a later version.
 */
export function parseMemory(text: string): ReadonlyMap<string, PoolMemory> {
  const { v, pools, gzip } = unpacked(() => JSON.parse(text) as unknown);
  if (typeof v !== 'number') throw unreadable('it has no version');
  if (v > VERSION) throw unreadable(`it is of version ${v}, this autoscaler knows ${VERSION}`);
  const rows = typeof gzip === 'string' ? unpacked(() => JSON.parse(unzipped(gzip)) as unknown) : pools;
  if (!isRecord(rows)) throw unreadable('it names no pools');
  return new Map(Object.entries(rows).flatMap(([name, row]) => (isRecord(row) ? [[name, memoryOf(row)] as const] : [])));
}

function rowOf({ busyAtMs, wishes, service, coldStart, slotsPerReplica, orders, cordoned, removing }: PoolMemory): Row {
  const { recent, long } = service;
  const { pause, fixed, forceActive, by } = orders;
  const given = pause !== null || fixed !== null || forceActive;
  const held = Object.entries(cordoned).map(([id, { nodename, queues }]) => [id, nodename, ...queues]);
  return {
    b: seconds(busyAtMs),
    w: thinned(wishes).flatMap(({ atMs, replicas }) => [seconds(atMs), replicas]),
    s: [recent, long].flatMap(({ busySlotMs, begun, prior }) => [rounded(busySlotMs), rounded(begun), rounded(prior)]),
    c: [rounded(coldStart.meanMs), rounded(coldStart.deviationMs), coldStart.count],
    ...(slotsPerReplica === null ? {} : { n: slotsPerReplica }),
    ...(given ? { o: { p: pause, f: fixed, a: forceActive, by } } : {}),
    ...(held.length === 0 ? {} : { k: held }),
    ...(removing.length === 0 ? {} : { r: removing }),
  };
}

function memoryOf({ b, w, s, c, n, o, k, r }: Row): PoolMemory {
  const [mean, deviation, count] = numbers(c, 3) ?? [];
  return {
    busyAtMs: isCount(b) ? b * 1_000 : 0,
    wishes: wishesOf(w),
    service: serviceOf(s),
    coldStart: mean === undefined ? noColdStart : { meanMs: mean, deviationMs: deviation ?? 0, count: Math.floor(count ?? 0) },
    slotsPerReplica: isCount(n) && n > 0 ? n : null,
    orders: isRecord(o) ? ordersOf(o) : noOrders,
    cordoned: Object.fromEntries(
      (Array.isArray(k) ? k : []).flatMap((entry: unknown) => {
        if (!Array.isArray(entry) || !entry.every((part) => typeof part === 'string')) return [];
        const [id, nodename, ...queues] = entry as readonly string[];
        return id === undefined || nodename === undefined ? [] : [[id, { nodename, queues }] as const];
      }),
    ),
    removing: (Array.isArray(r) ? r : []).filter((id: unknown) => typeof id === 'string'),
  };
}

function ordersOf({ p, f, a, by }: Row): Orders {
  return {
    pause: p === 'all' || p === 'in' || p === 'out' ? p : null,
    fixed: isCount(f) ? f : null,
    forceActive: a === true,
    by: typeof by === 'string' ? by : '',
  };
}

function wishesOf(written: unknown): HighWater {
  const flat = Array.isArray(written) ? (written as readonly unknown[]) : [];
  const wishes = flat.flatMap((seconds, index) => {
    const replicas = flat[index + 1];
    return index % 2 === 0 && isCount(seconds) && isCount(replicas) ? [{ atMs: seconds * 1_000, replicas }] : [];
  });
  return wishes.every((wish, index) => index === 0 || wish.replicas < (wishes[index - 1]?.replicas ?? 0)) ? wishes : [];
}

function serviceOf(written: unknown): ServiceTime {
  const [busy, begun, prior, longBusy, longBegun, longPrior] = numbers(written, 6) ?? [];
  if (busy === undefined || begun === undefined || prior === undefined) return noServiceTime;
  return {
    recent: { busySlotMs: busy, begun, prior },
    long: { busySlotMs: longBusy ?? 0, begun: longBegun ?? 0, prior: longPrior ?? 0 },
  };
}

/** Never more than `WISHES`: of neighbours, the higher count until the later moment. */
function thinned(wishes: HighWater): HighWater {
  const size = Math.ceil(wishes.length / WISHES);
  if (size <= 1) return wishes;
  return Array.from({ length: Math.ceil(wishes.length / size) }, (_, group) => {
    const joined = wishes.slice(group * size, (group + 1) * size);
    return { atMs: joined.at(-1)?.atMs ?? 0, replicas: joined[0]?.replicas ?? 0 };
  });
}

function unpacked(read: () => unknown): Row {
  let value: unknown;
  try {
    value = read();
  } catch (error) {
    throw unreadable(error instanceof Error ? error.message : String(error));
  }
  if (!isRecord(value)) throw unreadable('it is no object');
  return value;
}

const unzipped = (base64: string): string =>
  gunzipSync(Buffer.from(base64, 'base64'), { maxOutputLength: UNPACKED_BYTES }).toString('utf8');

const unreadable = (why: string): CeleriacError =>
  new CeleriacError('CELERIAC_E_LEASE_MEMORY', `what the last holder of the lease left cannot be used: ${why}`);

/** Up, so that nothing is remembered as older than it is. */
const seconds = (epochMs: number): number => Math.ceil(epochMs / 1_000);
/** Four digits are more than such estimates are worth. */
const rounded = (value: number): number => Number(value.toPrecision(4));
const isCount = (value: unknown): value is number => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;

function numbers(value: unknown, length: number): readonly number[] | undefined {
  if (!Array.isArray(value) || value.length < length) return undefined;
  return value.every((part) => typeof part === 'number' && Number.isFinite(part) && part >= 0) ? (value as readonly number[]) : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
