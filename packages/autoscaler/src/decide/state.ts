import { type ColdStart, noColdStart } from '../window/cold-start.ts';
import { type Gaps, noGaps } from '../window/gaps.ts';
import type { QueueHead } from '../window/head-age.ts';
import type { HighWater } from '../window/high-water.ts';
import { noServiceTime, type ServiceTime } from '../window/service-time.ts';

/** What a pool remembers from one decision to the next. Plain data. */
export interface PoolState {
  /** When the last decision was made, epoch ms; null before the first. */
  readonly decidedAtMs: number | null;
  /** The wishes that still hold a shrink back. */
  readonly wishes: HighWater;
  /** How long it took until replicas were needed again. */
  readonly gaps: Gaps;
  /** What waits in each queue, by when it was first seen; empty queues are left out. */
  readonly heads: Readonly<Record<string, QueueHead>>;
  /** When work was last seen, or could not be ruled out, epoch ms. */
  readonly busyAtMs: number;
  /** When tasks were last seen waiting, epoch ms; 0 for never. */
  readonly waitingAtMs: number;
  /** Decisions in a row that saw no work at all. */
  readonly zeroReadings: number;
  /** Since when a needed signal has been missing, epoch ms; null while none is. */
  readonly unknownSinceMs: number | null;
  /** Tasks that ran at the last decision: they kept their slots until this one. */
  readonly active: number;
  /** Tasks begun as last counted, by node name. */
  readonly processed: Readonly<Record<string, number>>;
  /** Replicas as last known; null before the target was read. */
  readonly replicas: number | null;
  /** Replicas whose start has been learnt from. */
  readonly timed: readonly string[];
  readonly service: ServiceTime;
  readonly coldStart: ColdStart;
  /** Concurrency of a replica as last learnt; null before. */
  readonly slotsPerReplica: number | null;
}

/** A pool's state at the start: it counts as busy now, so a restarted autoscaler shrinks nothing at once. */
export function initialPoolState(nowMs: number): PoolState {
  return {
    decidedAtMs: null,
    wishes: [],
    gaps: noGaps,
    heads: {},
    busyAtMs: nowMs,
    waitingAtMs: 0,
    zeroReadings: 0,
    unknownSinceMs: null,
    active: 0,
    processed: {},
    replicas: null,
    timed: [],
    service: noServiceTime,
    coldStart: noColdStart,
    slotsPerReplica: null,
  };
}

/**
 * The state of whoever takes a pool over from another holder of the lease: what was learnt and wanted stays, the window before a shrink
 * begins anew, and replicas are counted afresh.
 */
export function resumedPoolState(nowMs: number, left: Pick<PoolState, 'wishes' | 'service' | 'coldStart' | 'slotsPerReplica'>): PoolState {
  const { wishes, service, coldStart, slotsPerReplica } = left;
  return { ...initialPoolState(nowMs), wishes, service, coldStart, slotsPerReplica };
}
