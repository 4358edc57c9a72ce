import type { Decision, ReasonCode } from '../decide/decision.ts';

/**
 * The stages a number goes through, in order: `raw` is one slot for each task there is, `slo` what the wait goal asks for, `schedule`
 * within the bounds of now, `stabilised` after the delays before a shrink, `budgeted` after what other pools leave, `safe` after what must
 * not be lost, `limited` after how fast it may grow, `applied` what the target is told.
 */
export const STAGES = ['raw', 'slo', 'schedule', 'stabilised', 'budgeted', 'safe', 'limited', 'applied'] as const;

/** One of {@link STAGES}. */
export type DecisionStage = (typeof STAGES)[number];

const stageOf: Readonly<Record<ReasonCode | 'wish', DecisionStage>> = {
  wish: 'slo',
  steady: 'slo',
  goal: 'slo',
  'force-active': 'schedule',
  schedule: 'schedule',
  min: 'schedule',
  max: 'schedule',
  fallback: 'schedule',
  'down-delay': 'stabilised',
  'keep-warm': 'stabilised',
  'idle-to-zero': 'stabilised',
  deadband: 'stabilised',
  fixed: 'stabilised',
  budget: 'budgeted',
  unknown: 'safe',
  busy: 'safe',
  'up-step': 'limited',
  pending: 'limited',
  target: 'limited',
  off: 'applied',
  'up-only': 'applied',
  paused: 'applied',
  held: 'applied',
};

/** The number behind each stage of a decision. Pure. */
export function replicasByStage(decision: Decision): ReadonlyMap<DecisionStage, number> {
  const { evidence } = decision;
  const waiting = Object.values(evidence.ready).reduce<number>((sum, depth) => sum + (depth ?? 0), 0);
  const raw = Math.ceil((waiting + evidence.reserved + evidence.active) / Math.max(1, evidence.slotsPerReplica));
  const ruled = new Map(decision.stages.map(({ stage, replicas }) => [stageOf[stage], replicas]));
  let last = raw;
  return new Map(
    STAGES.map((stage) => {
      if (stage === 'applied') return [stage, decision.apply ? decision.to : decision.from];
      last = ruled.get(stage) ?? last;
      return [stage, last];
    }),
  );
}
