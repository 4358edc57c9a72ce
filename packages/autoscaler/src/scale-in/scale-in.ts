import type { ReplicaSeen } from '../decide/seen.ts';

/**
 * Where a replica is on its way out.
 * - `cordoning`: asked to take nothing more; waiting for its answer.
 * - `verifying`: it takes nothing more; waiting for two heartbeats, both idle.
 * - `marking`: idle for certain; waiting for the target to mark it as the one to go.
 * - `marked`: waiting for the others of its batch, or for what holds a shrink up.
 * - `removing`: the target was told to shrink by it; waiting for it to be the one that leaves.
 * - `restoring`: it stays after all; waiting for its answer that it takes tasks again.
 */
export type VictimStage = 'cordoning' | 'verifying' | 'marking' | 'marked' | 'removing' | 'restoring';

/** One replica on its way out. Plain data. */
export interface Victim {
  readonly id: string;
  readonly nodename: string;
  /** When its worker was first heard of, epoch ms: another moment is another life, which knows of no cordon. */
  readonly onlineAtMs: number | null;
  readonly stage: VictimStage;
  /** When this stage was entered, or its effect last repeated, epoch ms. */
  readonly sinceMs: number;
  /** When its worker answered that it takes nothing more, epoch ms; 0 before. */
  readonly cordonedAtMs: number;
  /** Idle heartbeats since then. */
  readonly beats: number;
  readonly lastBeatMs: number;
  readonly why: string;
}

/** What scale-in remembers from one step to the next. Plain data. */
export interface ScaleInState {
  readonly victims: readonly Victim[];
  /** Replicas taken back lately: not picked again before then, epoch ms. */
  readonly sparedUntilMs: Readonly<Record<string, number>>;
  /** When the target was last told to take out replicas in which nothing runs, epoch ms; 0 for never. */
  readonly trimmedAtMs: number;
}

/** Older than any answer is waited for: the first step asks at once. */
const TAKEN_BACK_MS = 3_600_000;

/** Nobody on the way out. */
export const noScaleIn: ScaleInState = { victims: [], sparedUntilMs: {}, trimmedAtMs: 0 };

/** What came of the effects asked for one replica; null while there is no answer, epoch ms otherwise. */
export interface Answer {
  readonly cordonedAtMs: number | null;
  readonly markedAtMs: number | null;
  readonly uncordonedAtMs: number | null;
  /** What went wrong with the last effect; null for nothing. */
  readonly failed: string | null;
}

/** What a step looks at. Plain data. */
export interface ScaleInSeen {
  /** How many replicas the decision wants; no shrink is wanted where it is not below the current number. */
  readonly want: number;
  /**
   * How many the work asks for, whatever the pool is held to: stuck replicas in which nothing runs are taken out, all but one while it
   * asks for more than there are. Null or absent: none of them is touched.
   */
  readonly wish?: number | null;
  readonly replicas: readonly ReplicaSeen[];
  /**
   * Why no replica in which something may run can be taken out safely now; null for no reason. Who is verified waits, and is taken back
   * if it lasts; nobody else is cordoned.
   */
  readonly hold: string | null;
  /** By replica id. */
  readonly answers: Readonly<Record<string, Answer>>;
}

/** What is to be done now. */
export type Effect =
  | { readonly kind: 'cordon'; readonly id: string; readonly nodename: string }
  /** Asks for active, reserved and scheduled tasks. */
  | { readonly kind: 'inspect'; readonly id: string; readonly nodename: string }
  | { readonly kind: 'mark'; readonly ids: readonly string[] }
  /** Shrinks to `replicas`; exactly `ids` go, all in one write. */
  | { readonly kind: 'remove'; readonly ids: readonly string[]; readonly replicas: number }
  | { readonly kind: 'uncordon'; readonly id: string; readonly nodename: string; readonly why: string };

/** One step's effects and what to remember. */
export interface ScaleInStep {
  readonly state: ScaleInState;
  readonly effects: readonly Effect[];
}

/** Who was cordoned by an earlier holder of the lease is taken back first: nobody knows how far it had been verified. */
export function scaleInOf(
  nowMs: number,
  left: { readonly cordoned: Readonly<Record<string, { readonly nodename: string }>> } | null,
): ScaleInState {
  const victims = Object.entries(left?.cordoned ?? {}).map(([id, { nodename }]): Victim => {
    const why = 'the autoscaler that cordoned it is gone';
    return {
      id,
      nodename,
      onlineAtMs: null,
      stage: 'restoring',
      sinceMs: nowMs - TAKEN_BACK_MS,
      cordonedAtMs: 0,
      beats: 0,
      lastBeatMs: 0,
      why,
    };
  });
  return { ...noScaleIn, victims };
}
