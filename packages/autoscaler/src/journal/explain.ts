import type { Decision, ReasonCode } from '../decide/decision.ts';
import type { PoolSpec } from '../decide/spec.ts';

/** Why a pool has the size it has, for people. */
export interface Explanation {
  readonly pool: string;
  /** Why this number now. */
  readonly because: readonly string[];
  /** What would change it. */
  readonly wouldChange: readonly string[];
}

/** Explains a decision. Pure. */
export function explain(nowMs: number, spec: PoolSpec, decision: Decision): Explanation {
  const { evidence } = decision;
  const { ready, starting, leaving, stuck, busy } = evidence.replicas;
  const waiting = Object.entries(evidence.ready).map(([queue, depth]) => `${queue} ${depth ?? 'unknown'}`);
  const because = [
    `${ready} ready (${busy} with work), ${starting} starting, ${leaving} leaving, ${stuck} stuck; wanted: ${decision.to}`,
    `waiting: ${waiting.join(', ')}; reserved ${evidence.reserved}; running ${evidence.active}`,
    `a task takes ${seconds(evidence.serviceMs)}, a replica ${seconds(evidence.coldStartMs)} to come up and has ${evidence.slotsPerReplica} ${evidence.slotsPerReplica === 1 ? 'slot' : 'slots'}`,
    ...decision.stages.map((stage) => `${stage.stage}: ${stage.replicas} (${stage.text})`),
    ...evidence.unknown.map((what) => `not known: ${what}`),
  ];
  return { pool: spec.pool, because, wouldChange: [...changes(spec, decision), ...clock(nowMs, decision)] };
}

function changes(spec: PoolSpec, decision: Decision): readonly string[] {
  const by: Partial<Record<ReasonCode, string>> = {
    max: `a higher max (now ${spec.max})`,
    min: `a lower min (now ${spec.min})`,
    off: 'mode on (now off)',
    'up-only': 'mode on (now up-only)',
    paused: 'taking back the pause',
    unknown: 'the missing signals coming back',
    fallback: 'the missing signals coming back',
    busy: 'the busy replicas finishing',
    pending: 'replicas that are starting coming up',
    target: 'a replica that comes up',
    'up-step': 'the next decision',
  };
  const held = by[decision.reason];
  const goal = Math.min(...spec.queues.map((queue) => queue.waitGoalMs));
  const grows = `more waiting than ${decision.to} ${decision.to === 1 ? 'replica begins' : 'replicas begin'} within ${seconds(goal)}`;
  return [...(held === undefined ? [] : [held]), ...(decision.to >= spec.max ? [] : [grows])];
}

function clock(nowMs: number, decision: Decision): readonly string[] {
  if (decision.wakeAtMs === null) return [];
  const what = decision.wakeAtMs === decision.evidence.nextDueMs ? 'a parked task is due' : `${decision.reason} ends`;
  return [`in ${seconds(Math.max(0, decision.wakeAtMs - nowMs))}: ${what}`];
}

function seconds(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${Number((ms / 1_000).toPrecision(3))} s`;
}
