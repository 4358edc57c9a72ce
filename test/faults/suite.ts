import { restartUnderPublish } from './broker-faults.ts';
import type { FaultRow, FaultScale } from './row.ts';
import type { FaultBroker } from './stage.ts';
import { drainWorkers, freezeConsumer, killWorkers, stopPastLease } from './worker-faults.ts';

export type FaultTest = (broker: FaultBroker, scale: FaultScale) => Promise<FaultRow>;

/** A small seeded generator, so that a run can be repeated (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Every fault, by name. */
export function faultTests(seed: number): Readonly<Record<string, FaultTest>> {
  const random = seeded(seed);
  return {
    kills: (broker, scale) => killWorkers(broker, scale, random),
    drains: drainWorkers,
    'broker-restart': restartUnderPublish,
    'frozen-socket': freezeConsumer,
    'stopped-worker': stopPastLease,
  };
}

/** The bound on drain times with millisecond tasks. */
export const DRAIN_P99_MS = 3_000;

export function drainP99Ms(row: FaultRow): number {
  return Number(/drain p99 (\d+) ms/.exec(row.note)?.[1] ?? Number.NaN);
}
