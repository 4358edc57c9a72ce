import type { Demand } from '../policies/policy.ts';
import { allowedColdStartMs, type ColdStart, learnColdStart } from '../window/cold-start.ts';
import { emptyHead, followHead, headAgeMs, type QueueHead } from '../window/head-age.ts';
import { valueOr } from '../window/sample.ts';
import { learnService, meanServiceMs, type ServiceTime } from '../window/service-time.ts';
import { isBusy, isUnproven, mustBeAsked } from './idle.ts';
import type { GrowthSeen, PoolSeen, QueueSeen, ReplicaSeen } from './seen.ts';
import type { PoolSpec } from './spec.ts';
import type { PoolState } from './state.ts';

/** What follows from what was seen, before any wish. */
export interface Facts {
  readonly nowMs: number;
  readonly spec: PoolSpec;
  /** Replicas ready or starting. */
  readonly current: number;
  readonly ready: number;
  readonly starting: number;
  readonly leaving: number;
  readonly stuck: number;
  /** Ready replicas that hold work, or of which nothing is known. */
  readonly busy: number;
  /** Node names of replicas that run nothing but have not said what they hold. */
  readonly mustAsk: readonly string[];
  /** Needed signals that are missing, one sentence each. */
  readonly unknown: readonly string[];
  readonly unknownSinceMs: number | null;
  readonly demand: Demand;
  /** When work was last seen, or could not be ruled out. */
  readonly busyAtMs: number;
  readonly zeroReadings: number;
  /** Nobody has set its number of replicas and no work was ever seen: what there is was wanted by nobody, and waits for nothing to go. */
  readonly unused: boolean;
  /** When tasks were last seen waiting. */
  readonly waitingAtMs: number;
  readonly nextDueMs: number | null;
  readonly growth: GrowthSeen;
  readonly learnt: {
    readonly service: ServiceTime;
    readonly coldStart: ColdStart;
    readonly slotsPerReplica: number | null;
    readonly timed: readonly string[];
    readonly active: number;
    readonly processed: Readonly<Record<string, number>>;
    readonly heads: Readonly<Record<string, QueueHead>>;
  };
}

/** A pause between decisions longer than this teaches nothing about the time in between. */
const LONGEST_STRETCH_MS = 5_000;

/** Reads the facts off what was seen. */
export function factsOf(nowMs: number, spec: PoolSpec, seen: PoolSeen, state: PoolState): Facts {
  const replicas = valueOr(seen.replicas, []);
  const inPhase = (phase: ReplicaSeen['phase']): readonly ReplicaSeen[] => replicas.filter((replica) => replica.phase === phase);
  const ready = inPhase('ready');
  const starting = inPhase('starting');
  const { learnt: learntOfReplicas, begun } = learn(nowMs, replicas, state);
  const heads = follow(nowMs, seen.queues, begun, state);
  const learnt = { ...learntOfReplicas, heads };
  const slotsPerReplica = spec.slotsPerReplica ?? learnt.slotsPerReplica ?? 1;
  const slotsOf = (replica: ReplicaSeen): number => replica.slots ?? slotsPerReplica;
  const sum = (of: readonly ReplicaSeen[], number: (replica: ReplicaSeen) => number): number =>
    of.reduce((total, replica) => total + number(replica), 0);
  const known = seen.queues.filter((queue) => queue.ready.kind === 'reading');
  const goals = new Map(spec.queues.map((queue) => [queue.name, queue.waitGoalMs]));
  const strictestGoalMs = Math.min(...goals.values());
  const demand: Demand = {
    queues: known.map((queue) => ({
      name: queue.name,
      ready: valueOr(queue.ready, 0),
      waitGoalMs: goals.get(queue.name) ?? strictestGoalMs,
      headAgeMs: headAgeMs(heads[queue.name] ?? emptyHead, nowMs) ?? 0,
    })),
    strictestGoalMs,
    // A replica of which nothing is heard is taken for busy in all its slots.
    active: sum(ready, (replica) => valueOr(replica.active, slotsOf(replica))),
    reserved: sum(ready, (replica) => valueOr(replica.reserved, 0)),
    slotsUp: sum(ready, slotsOf),
    slotsStarting: sum(starting, slotsOf),
    slotsPerReplica,
    serviceMs: meanServiceMs(learnt.service, spec.expectedServiceMs),
    coldStartMs: allowedColdStartMs(learnt.coldStart, spec.expectedColdStartMs),
    headroom: spec.headroom,
  };
  const unknown = missing(nowMs, seen);
  const nextDueMs = valueOr(seen.nextDueMs, null);
  const dueSoon = nextDueMs !== null && nextDueMs - nowMs <= Math.max(1_000, demand.coldStartMs);
  const waitingAtMs = demand.queues.some((queue) => queue.ready > 0) ? nowMs : state.waitingAtMs;
  // What waited a moment ago and waits no more was taken by somebody whose next heartbeat will say so.
  const working =
    unknown.length > 0 ||
    begun > 0 ||
    dueSoon ||
    waitingAtMs === nowMs ||
    ready.some((replica) => isBusy(replica) || isUnproven(replica, waitingAtMs));
  return {
    nowMs,
    spec,
    current: seen.replicas.kind === 'reading' ? ready.length + starting.length : (state.replicas ?? 0),
    ready: ready.length,
    starting: starting.length,
    leaving: inPhase('leaving').length,
    stuck: inPhase('stuck').length,
    busy: ready.filter((replica) => isBusy(replica) || isUnproven(replica, 0)).length,
    mustAsk: ready.filter(mustBeAsked).flatMap((replica) => (replica.nodename === null ? [] : [replica.nodename])),
    unknown,
    unknownSinceMs: unknown.length === 0 ? null : (state.unknownSinceMs ?? nowMs),
    demand,
    busyAtMs: working ? nowMs : state.busyAtMs,
    zeroReadings: working ? 0 : state.zeroReadings + 1,
    unused: seen.unscaled === true && !working && waitingAtMs === 0 && replicas.every(({ processed }) => (processed ?? 0) === 0),
    waitingAtMs,
    nextDueMs,
    growth: seen.growth,
    learnt,
  };
}

/** Follows each queue's head; what workers began is shared out among the queues by what waited in them. */
function follow(nowMs: number, queues: readonly QueueSeen[], begun: number, state: PoolState): Readonly<Record<string, QueueHead>> {
  const tasksOf = (head: QueueHead): number => head.batches.reduce((sum, batch) => sum + batch.tasks, 0);
  const waited = Object.values(state.heads).reduce((sum, head) => sum + tasksOf(head), 0);
  return Object.fromEntries(
    queues.flatMap(({ name, ready }): [string, QueueHead][] => {
      const head = state.heads[name] ?? emptyHead;
      if (ready.kind === 'unavailable') return head === emptyHead ? [] : [[name, head]];
      const taken = waited === 0 ? 0 : Math.round((begun * tasksOf(head)) / waited);
      const next = followHead(head, nowMs, ready.value, taken);
      return next === emptyHead ? [] : [[name, next]];
    }),
  );
}

function missing(nowMs: number, seen: PoolSeen): readonly string[] {
  const age = (sinceMs: number): string => `for ${Math.max(0, Math.round((nowMs - sinceMs) / 1_000))} s`;
  const queues = seen.queues.flatMap(({ name, ready }) =>
    ready.kind === 'unavailable' ? [`depth of queue ${name} unknown ${age(ready.sinceMs)}: ${ready.reason}`] : [],
  );
  if (seen.replicas.kind === 'reading') return queues;
  return [...queues, `replicas unknown ${age(seen.replicas.sinceMs)}: ${seen.replicas.reason}`];
}

function learn(
  nowMs: number,
  replicas: readonly ReplicaSeen[],
  state: PoolState,
): { learnt: Omit<Facts['learnt'], 'heads'>; begun: number } {
  let begun = 0;
  let busy = 0;
  let coldStart = state.coldStart;
  let slotsPerReplica = state.slotsPerReplica;
  const processed: Record<string, number> = {};
  const timed: string[] = [];
  for (const replica of replicas) {
    if (replica.onlineAtMs === null) continue;
    timed.push(replica.id);
    // Who came up unseen, before our time or while replicas were unknown, tells neither how long that took nor when its tasks began.
    const cameUp = state.decidedAtMs !== null && replica.onlineAtMs >= state.decidedAtMs;
    if (cameUp && !state.timed.includes(replica.id))
      coldStart = learnColdStart(coldStart, Math.max(0, replica.onlineAtMs - replica.startedAtMs));
    if (replica.slots !== null) slotsPerReplica = replica.slots;
    busy += valueOr(replica.active, 0);
    if (replica.nodename === null || replica.processed === null) continue;
    processed[replica.nodename] = replica.processed;
    const before = state.processed[replica.nodename] ?? (cameUp ? replica.processedAtFirst : null) ?? replica.processed;
    begun += replica.processed >= before ? replica.processed - before : replica.processed;
  }
  const stretchMs = state.decidedAtMs === null ? 0 : Math.min(LONGEST_STRETCH_MS, Math.max(0, nowMs - state.decidedAtMs));
  return {
    learnt: {
      service: learnService(state.service, state.active * stretchMs, begun),
      coldStart,
      slotsPerReplica,
      timed,
      active: busy,
      processed,
    },
    begun,
  };
}
