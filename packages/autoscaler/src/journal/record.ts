import type { Decision } from '../decide/decision.ts';
import type { PoolSeen } from '../decide/seen.ts';
import type { PoolSpec } from '../decide/spec.ts';
import type { PoolState } from '../decide/state.ts';
import type { ScaleInSeen, ScaleInState, ScaleInStep } from '../scale-in/scale-in.ts';

/** A decision with everything it rested on, so that it can be made again. */
export interface DecisionRecord {
  readonly v: 2;
  readonly type: 'decision';
  readonly seq: number;
  readonly pool: string;
  /** Epoch ms. */
  readonly atMs: number;
  readonly spec: PoolSpec;
  readonly seen: PoolSeen;
  readonly state: PoolState;
  readonly decision: Decision;
}

/** A step of scale-in that had effects, with everything it rested on. */
export interface ScaleInRecord {
  readonly v: 2;
  readonly type: 'scale-in';
  readonly seq: number;
  readonly pool: string;
  /** Epoch ms. */
  readonly atMs: number;
  readonly state: ScaleInState;
  readonly seen: ScaleInSeen;
  readonly step: ScaleInStep;
}

/**
 * A line of the journal. Plain data without secrets. `v` is 2 since decisions see orders, schedules, grants and holds; lines of version 1 lack
 * them and were decided by other rules.
 */
export type JournalRecord = DecisionRecord | ScaleInRecord;
