import type { PoolState } from './state.ts';

/** Why a number is what it is, in a word that programs may rely on. */
export type ReasonCode =
  | 'steady'
  | 'goal'
  | 'min'
  | 'max'
  | 'busy'
  | 'unknown'
  | 'fallback'
  | 'down-delay'
  | 'keep-warm'
  | 'deadband'
  | 'idle-to-zero'
  | 'schedule'
  | 'force-active'
  | 'fixed'
  | 'budget'
  | 'up-step'
  | 'pending'
  | 'target'
  | 'off'
  | 'up-only'
  | 'paused'
  | 'held';

/** What a pool asks of a budget it shares, in replicas. It does not depend on what it was granted. */
export interface BudgetAsk {
  /** What it would run now if it were alone. */
  readonly wish: number;
  /** What it would keep for a while if nobody else wanted it: never less than the wish. */
  readonly keep: number;
  /** What cannot be taken from it: its min, replicas with work, and all of them where nothing may shrink. */
  readonly floor: number;
}

/** One step on the way from the policy's wish to the decision. */
export interface Stage {
  readonly stage: 'wish' | ReasonCode;
  readonly replicas: number;
  /** For people. */
  readonly text: string;
}

/** The numbers behind a decision. Null means unknown. */
export interface Evidence {
  readonly ready: Readonly<Record<string, number | null>>;
  /** How long the oldest task of each queue has waited, ms; null where none waits or the depth is unknown. */
  readonly headAgeMs: Readonly<Record<string, number | null>>;
  readonly active: number;
  readonly reserved: number;
  readonly replicas: {
    readonly ready: number;
    readonly starting: number;
    readonly leaving: number;
    readonly stuck: number;
    readonly busy: number;
  };
  readonly slotsPerReplica: number;
  readonly slotsWanted: number;
  readonly serviceMs: number;
  readonly coldStartMs: number;
  readonly nextDueMs: number | null;
  /** Age of the oldest reading of each kind that the decision rests on, ms; of what is missing, for how long. Null for none. */
  readonly signalAgeMs: { readonly queues: number | null; readonly replicas: number | null; readonly heartbeats: number | null };
  /** What could not be known, one sentence each. */
  readonly unknown: readonly string[];
}

/** What to do with a pool, why, and what to remember. Plain data. */
export interface Decision {
  readonly kind: 'scale' | 'hold';
  /** False in `dry-run`: recorded, not carried out. */
  readonly apply: boolean;
  /** Replicas ready or starting now. */
  readonly from: number;
  readonly to: number;
  readonly reason: ReasonCode;
  /** One sentence for people. */
  readonly text: string;
  /** The wish, then every guard that changed it. */
  readonly stages: readonly Stage[];
  readonly evidence: Evidence;
  /** Node names whose reserved and scheduled tasks must be asked for before a shrink can be decided. */
  readonly ask: readonly string[];
  readonly budgetAsk: BudgetAsk;
  /** When something will change by the clock alone, epoch ms; null for nothing foreseen. */
  readonly wakeAtMs: number | null;
  readonly nextState: PoolState;
}
