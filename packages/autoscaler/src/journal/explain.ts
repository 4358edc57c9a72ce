import type { Decision, ReasonCode } from '../decide/decision.ts';
import { scheduled } from '../decide/scheduled.ts';
import type { PoolSeen, ReplicaSeen } from '../decide/seen.ts';
import type { PoolSpec } from '../decide/spec.ts';
import { valueOr } from '../window/sample.ts';

/** Why a pool has the size it has, for people. */
export interface Explanation {
  readonly pool: string;
  /** Why this number now. */
  readonly because: readonly string[];
  /** What would change it. */
  readonly wouldChange: readonly string[];
}

/** Explains a decision. Pure. */
export function explain(nowMs: number, spec: PoolSpec, seen: PoolSeen, decision: Decision): Explanation {
  const { evidence } = decision;
  const { ready, starting, leaving, stuck, busy } = evidence.replicas;
  const waiting = Object.entries(evidence.ready).map(([queue, depth]) => `${queue} ${depth ?? 'unknown'}`);
  const because = [
    `${ready} ready (${busy} with work), ${starting} starting, ${leaving} leaving, ${stuck} stuck; wanted: ${decision.to}`,
    `waiting: ${waiting.join(', ')}; reserved ${evidence.reserved}; running ${evidence.active}`,
    `a task takes ${seconds(evidence.serviceMs)}, a replica ${seconds(evidence.coldStartMs)} to come up and has ${evidence.slotsPerReplica} ${evidence.slotsPerReplica === 1 ? 'slot' : 'slots'}`,
    ...decision.stages.map((stage) => `${stage.stage}: ${stage.replicas} (${stage.text})`),
    ...(decision.kind === 'scale' && !decision.apply ? ['dry run: nothing is changed'] : []),
    ...(seen.growth.kind === 'limited' && decision.reason !== 'target' ? [`growth is limited: ${seen.growth.reason}`] : []),
    ...(seen.hold !== null && decision.reason !== 'held' ? [`held: ${seen.hold}`] : []),
    ...(seen.shrinkHold != null && decision.to < decision.from ? [`nothing is taken out now: ${seen.shrinkHold}`] : []),
    ...withReasons(valueOr(seen.replicas, []), 'stuck'),
    ...withReasons(valueOr(seen.replicas, []), 'leaving'),
    ...evidence.unknown.map((what) => `not known: ${what}`),
  ];
  return { pool: spec.pool, because, wouldChange: [...changes(spec, seen, decision), ...clock(nowMs, seen, decision)] };
}

/** Reasons for which more work changes nothing. */
const unmoved: ReadonlySet<ReasonCode> = new Set(['fixed', 'off', 'held', 'budget', 'max', 'schedule']);

function changes(spec: PoolSpec, seen: PoolSeen, decision: Decision): readonly string[] {
  const { min, max } = scheduled(spec, seen.schedule);
  const resume = `celeriac scale resume ${spec.pool}`;
  const takenBack = ordersText(spec, seen);
  const by: Partial<Record<ReasonCode, string>> = {
    max: `a higher max (now ${max})`,
    min: `a lower min (now ${min})`,
    schedule: `the end of ${seen.schedule?.text ?? 'the schedule'}, or other bounds in it (now ${min} to ${max})`,
    'force-active': `no longer ordering it to count as active${seen.orders.by === '' ? '' : ` (${seen.orders.by})`}`,
    fixed:
      seen.orders.fixed === null
        ? `another scaling.replicas (now ${spec.fixed}), or none`
        : `another number by celeriac scale set ${spec.pool} N, or taking it back: ${takenBack ?? resume}`,
    budget: 'other pools of the budget wanting less, a lower tier, more weight or a larger budget',
    deadband: 'a wish that differs by more than one replica, or a task that has waited for half of its goal',
    'keep-warm': `a smaller keepWarm (now ${spec.keepWarm})`,
    off: 'mode on (now off)',
    'up-only': 'mode on (now up-only)',
    paused: `taking back the pause: ${takenBack ?? 'scaling.paused: false'}`,
    held: 'nobody else writing its replicas, or otherWriters: ignore in its target',
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
  const more = decision.to < max && !unmoved.has(decision.reason) && !(decision.reason === 'paused' && seen.orders.pause !== 'in');
  return [...(held === undefined ? [] : [held]), ...(more ? [grows] : [])];
}

/** How the orders in force are taken back; null where there are none. */
function ordersText(spec: PoolSpec, { orders }: PoolSeen): string | null {
  if (orders.pause === null && orders.fixed === null) return null;
  const resume = `celeriac scale resume ${spec.pool}`;
  if (orders.by === '') return resume;
  // Orders of several are joined by `mergeOrders`; annotations stand on the target itself.
  const ways = orders.by
    .split(' and ')
    .map((who) => (who.startsWith('annotation ') ? `removing the ${who}` : `${resume} (ordered by ${who})`));
  return ways.join(', ');
}

/** Replicas of a phase that say what is wrong with them; one that is stuck always does. */
function withReasons(replicas: readonly ReplicaSeen[], wanted: 'stuck' | 'leaving'): readonly string[] {
  const byReason = new Map<string, string[]>();
  for (const { id, phase, why } of replicas) {
    if (phase !== wanted || (why === null && phase === 'leaving')) continue;
    const reason = why ?? 'for an unknown reason';
    byReason.set(reason, [...(byReason.get(reason) ?? []), id]);
  }
  return [...byReason].map(([reason, ids]) => {
    const some = ids.slice(0, 3).join(', ');
    return `${wanted}: ${some}${ids.length > 3 ? ` and ${ids.length - 3} more` : ''}: ${reason}`;
  });
}

function clock(nowMs: number, seen: PoolSeen, decision: Decision): readonly string[] {
  const { wakeAtMs, evidence, reason } = decision;
  if (wakeAtMs === null) return [];
  const changesAtMs = seen.schedule?.untilMs ?? null;
  const what =
    wakeAtMs === evidence.nextDueMs ? 'a parked task is due' : wakeAtMs === changesAtMs ? 'the schedule changes' : `${reason} ends`;
  return [`in ${seconds(Math.max(0, wakeAtMs - nowMs))}: ${what}`];
}

function seconds(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${Number((ms / 1_000).toPrecision(3))} s`;
}
