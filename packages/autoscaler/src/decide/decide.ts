import { queueWait } from '../policies/queue-wait.ts';
import { learnGaps } from '../window/gaps.ts';
import { emptyHead, headAgeMs } from '../window/head-age.ts';
import { type HighWater, highest, raise } from '../window/high-water.ts';
import { oldestAgeMs, valueOr } from '../window/sample.ts';
import { budgetAskOf } from './budget-ask.ts';
import type { Decision, Evidence, ReasonCode, Stage } from './decision.ts';
import { type Facts, factsOf } from './facts.ts';
import { bounds } from './guards/bounds.ts';
import { budget } from './guards/budget.ts';
import { busyFloor } from './guards/busy-floor.ts';
import { deadband } from './guards/deadband.ts';
import { downDelay } from './guards/down-delay.ts';
import { fallback } from './guards/fallback.ts';
import { pending, targetLimit, upStep } from './guards/growth-limits.ts';
import type { Guard, GuardInput, Ruling } from './guards/guard.ts';
import { targetHeld } from './guards/held.ts';
import { idleToZero } from './guards/idle-to-zero.ts';
import { keepWarm } from './guards/keep-warm.ts';
import { modeHolds } from './guards/mode.ts';
import { fixed, forceActive, pauseHolds } from './guards/orders.ts';
import { unknownHolds } from './guards/unknown-holds.ts';
import { scheduled } from './scheduled.ts';
import type { PoolSeen } from './seen.ts';
import type { PoolSpec } from './spec.ts';
import type { PoolState } from './state.ts';

/**
 * The order matters: later guards see what earlier ones left.
 *
 * First what is wanted: the policy's wish within its bounds, kept up for a while. Then what people order instead, which knows no delay. Then
 * what others leave: a budget cuts orders too, since what it grants to one pool it has promised to the others. Then what must not be lost,
 * above all of these: nothing shrinks on missing signals, nothing below what works. Then how fast it may grow. Whoever only holds, in one
 * direction or in both, comes last and overrules nobody's safety: staying as it is kills nothing.
 */
const wants: readonly Guard[] = [forceActive, bounds, fallback];
const keeps: readonly Guard[] = [downDelay, keepWarm, idleToZero, deadband, fixed];
const cuts: readonly Guard[] = [budget, unknownHolds, busyFloor, upStep, pending, targetLimit];
const holds: readonly Guard[] = [modeHolds, pauseHolds, targetHeld];

/**
 * The pool's next number, why, and what to remember. Pure: the same arguments give the same answer, so replay, explain and simulation
 * are this call too.
 * @param nowMs epoch milliseconds
 */
export function decide(nowMs: number, spec: PoolSpec, seen: PoolSeen, state: PoolState): Decision {
  const facts = factsOf(nowMs, scheduled(spec, seen.schedule), seen, state);
  const wish = queueWait.wish(facts.demand);
  const now: GuardInput = { facts, seen, highest: { atMs: nowMs, replicas: wish.replicas }, gaps: state.gaps };
  const bounded = outcomeOf(wish.replicas, [forceActive, bounds], now);
  const wishes = raise(startingFrom(state, facts), { atMs: nowMs, replicas: bounded }, spec.downDelayMs);
  const gaps = facts.unknown.length > 0 ? state.gaps : learnGaps(state.gaps, nowMs, bounded);
  const input: GuardInput = { ...now, gaps, highest: highest(wishes) ?? { atMs: nowMs, replicas: bounded } };

  const stages: Stage[] = [{ stage: 'wish', replicas: wish.replicas, text: wish.text }];
  const rulings: Ruling[] = [];
  const judged = (from: number, guards: readonly Guard[]): number => {
    let to = from;
    for (const guard of guards) {
      const ruling = guard(to, input);
      if (ruling === null) continue;
      to = ruling.to;
      rulings.push(ruling);
      stages.push({ stage: ruling.reason, replicas: ruling.to, text: ruling.text });
    }
    return to;
  };
  const kept = judged(wish.replicas, [...wants, ...keeps]);
  const to = judged(kept, [...cuts, ...holds]);
  const last = rulings.at(-1);
  const scales = to !== facts.current;
  const reason: ReasonCode = last?.reason ?? (scales ? 'goal' : 'steady');
  return {
    kind: scales ? 'scale' : 'hold',
    apply: scales && spec.mode !== 'dry-run',
    from: facts.current,
    to,
    reason,
    text: last === undefined ? wish.text : `${wish.text}; ${last.text}`,
    stages,
    evidence: evidenceOf(facts, seen, wish.slots),
    ask: rulings.flatMap((ruling) => ruling.ask ?? []),
    budgetAsk: budgetAskOf(facts, outcomeOf(wish.replicas, [...wants, fixed], input), kept, (from) =>
      outcomeOf(from, [targetLimit, ...holds], input),
    ),
    wakeAtMs: wakeAt(facts, seen, rulings),
    nextState: {
      decidedAtMs: nowMs,
      wishes,
      gaps,
      busyAtMs: facts.busyAtMs,
      waitingAtMs: facts.waitingAtMs,
      zeroReadings: facts.zeroReadings,
      unknownSinceMs: facts.unknownSinceMs,
      replicas: facts.current,
      ...facts.learnt,
    },
  };
}

/** The first decision of a life counts the replicas it finds as wanted, so that a restart shrinks nothing for one whole window. */
function startingFrom(state: PoolState, facts: Facts): HighWater {
  if (state.replicas !== null || facts.current === 0) return state.wishes;
  return raise(state.wishes, { atMs: facts.nowMs, replicas: facts.current }, facts.spec.downDelayMs);
}

/** What guards leave of a number. */
function outcomeOf(from: number, guards: readonly Guard[], input: GuardInput): number {
  return guards.reduce((to, guard) => guard(to, input)?.to ?? to, from);
}

function wakeAt(facts: Facts, seen: PoolSeen, rulings: readonly Ruling[]): number | null {
  const moments = rulings.flatMap((ruling) => ruling.untilMs ?? []);
  if (seen.schedule !== null && seen.schedule.untilMs !== null) moments.push(seen.schedule.untilMs);
  if (facts.nextDueMs !== null) moments.push(facts.nextDueMs);
  const { fallback: configured } = facts.spec;
  if (configured !== null && facts.unknownSinceMs !== null) moments.push(facts.unknownSinceMs + configured.afterMs);
  const ahead = moments.filter((atMs) => atMs > facts.nowMs);
  return ahead.length === 0 ? null : Math.min(...ahead);
}

function evidenceOf(facts: Facts, seen: PoolSeen, slotsWanted: number): Evidence {
  const silent = valueOr(seen.replicas, []).flatMap((replica) =>
    replica.phase === 'ready' && replica.active.kind === 'unavailable' ? [`${replica.id}: ${replica.active.reason}`] : [],
  );
  return {
    ready: Object.fromEntries(seen.queues.map((queue) => [queue.name, valueOr(queue.ready, null)])),
    headAgeMs: Object.fromEntries(
      seen.queues.map(({ name, ready }) => [
        name,
        ready.kind === 'unavailable' ? null : headAgeMs(facts.learnt.heads[name] ?? emptyHead, facts.nowMs),
      ]),
    ),
    active: facts.demand.active,
    reserved: facts.demand.reserved,
    replicas: { ready: facts.ready, starting: facts.starting, leaving: facts.leaving, stuck: facts.stuck, busy: facts.busy },
    slotsPerReplica: facts.demand.slotsPerReplica,
    slotsWanted,
    serviceMs: facts.demand.serviceMs,
    coldStartMs: facts.demand.coldStartMs,
    nextDueMs: facts.nextDueMs,
    signalAgeMs: {
      queues: oldestAgeMs(
        facts.nowMs,
        seen.queues.map((queue) => queue.ready),
      ),
      replicas: oldestAgeMs(facts.nowMs, [seen.replicas]),
      heartbeats: oldestAgeMs(
        facts.nowMs,
        valueOr(seen.replicas, []).flatMap((replica) => (replica.phase === 'ready' ? [replica.active] : [])),
      ),
    },
    unknown: [...facts.unknown, ...silent],
  };
}
