import type { Decision } from '../decide/decision.ts';
import type { PoolSeen } from '../decide/seen.ts';
import type { PoolSpec } from '../decide/spec.ts';
import type { PoolState } from '../decide/state.ts';
import type { ScaleInSeen, ScaleInState, ScaleInStep } from '../scale-in/scale-in.ts';

/** A decision with everything it rested on, so that it can be made again. */
export interface DecisionRecord {
  readonly v: 1;
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
  readonly v: 1;
  readonly type: 'scale-in';
  readonly seq: number;
  readonly pool: string;
  /** Epoch ms. */
  readonly atMs: number;
  readonly state: ScaleInState;
  readonly seen: ScaleInSeen;
  readonly step: ScaleInStep;
}

/** A line of the journal. Plain data without secrets. */
export type JournalRecord = DecisionRecord | ScaleInRecord;
