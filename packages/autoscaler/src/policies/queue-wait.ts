import type { Demand, Policy, Wish } from './policy.ts';

/**
 * Service times vary: the work of q tasks is allowed to be this many times the mean of one task, times the root of q, above its mean. Two
 * standard deviations of tasks that vary as much as their mean.
 */
const SPREAD = 2;

/**
 * Enough slots that every task now waiting begins within its queue's goal, by Little's law.
 *
 * A slot that is free now begins one task at once and another after each service time S, so within the time T that is left it begins
 * `1 + T / S` (fewer where T is below S); q waiting tasks therefore need `(q + 2 sqrt(q)) / (1 + T / S)` slots, and never more than one each. The root is the room
 * for service times that vary: few tasks get a slot each, many share. T is the goal less one cold start, because a replica asked for now
 * helps only then, and shorter still where the goal has been missed already. Demands of several queues add up: one set of replicas serves
 * them all. What runs keeps the slot it has, so the wish never falls below the running tasks.
 */
export const queueWait: Policy = {
  name: 'queue-wait',
  wish(demand: Demand): Wish {
    const waiting = demand.queues.reduce((sum, queue) => sum + queue.ready, 0) + demand.reserved;
    const spare = demand.headroom * Math.sqrt(demand.active);
    const needed = slotsForWaiting(demand);
    const capacity = supply(demand);
    const keep = demand.active + Math.ceil(needed) + spare;
    const grown = needed > capacity ? demand.slotsUp + demand.slotsStarting + Math.ceil(needed - capacity) : 0;
    const steady = Math.min(keep, Math.max(demand.slotsUp + demand.slotsStarting, demand.active + spare));
    const slots = Math.min(Math.ceil(Math.max(grown, steady)), Math.ceil(demand.active + waiting + spare));
    const replicas = Math.ceil(slots / demand.slotsPerReplica);
    return { slots, replicas, text: sentence(demand, waiting, slots) };
  },
};

/** Slots, in parts, that what waits would need if all began free now. */
function slotsForWaiting(demand: Demand): number {
  const held = slotsFor(demand.reserved, startsPerSlot(demand, demand.strictestGoalMs, 0));
  return demand.queues.reduce((sum, queue) => sum + slotsFor(queue.ready, startsPerSlot(demand, queue.waitGoalMs, queue.headAgeMs)), held);
}

function slotsFor(tasks: number, starts: number): number {
  return Math.min(tasks, (tasks + SPREAD * Math.sqrt(tasks)) / starts);
}

/** How many tasks one free slot begins before the goal is missed. */
function startsPerSlot(demand: Demand, waitGoalMs: number, headAgeMs: number): number {
  const lateMs = Math.max(0, headAgeMs - waitGoalMs);
  const more = Math.max(0, waitGoalMs - demand.coldStartMs - lateMs) / demand.serviceMs;
  // In less than one service time few slots are free again.
  return 1 + (more < 1 ? more * more : more);
}

/** Slots, in parts, that are there or on their way. A busy slot misses the first start. */
function supply(demand: Demand): number {
  const waiting = demand.queues.filter((queue) => queue.ready > 0);
  const each = waiting.map((queue) => startsPerSlot(demand, queue.waitGoalMs, queue.headAgeMs));
  const starts = each.length > 0 ? Math.min(...each) : startsPerSlot(demand, demand.strictestGoalMs, 0);
  const busy = Math.min(demand.active, demand.slotsUp);
  return demand.slotsUp - busy + (busy * (starts - 1)) / starts + demand.slotsStarting;
}

function sentence(demand: Demand, waiting: number, slots: number): string {
  if (waiting === 0 && demand.active === 0) return 'nothing waits and nothing runs';
  const seconds = (ms: number): string => `${Number((ms / 1_000).toPrecision(2))} s`;
  return (
    `${waiting} waiting and ${demand.active} running at ${seconds(demand.serviceMs)} a task and ${seconds(demand.coldStartMs)} to start ` +
    `a replica need ${slots} ${slots === 1 ? 'slot' : 'slots'}`
  );
}
