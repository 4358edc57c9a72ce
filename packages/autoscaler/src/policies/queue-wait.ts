import type { Demand, Policy, Wish } from './policy.ts';

/**
 * Enough slots that every task now waiting begins within its queue's goal, by Little's law.
 *
 * A slot that is free now begins one task at once and another after each service time S, so within the time T that is left it begins
 * `1 + floor(T / S)`; a waiting task therefore needs `1 / (1 + floor(T / S))` of a slot. T is the goal less one cold start, because a
 * replica asked for now helps only then. Demands of several queues add up: one set of replicas serves them all. What runs keeps the slot
 * it has, so the wish never falls below the running tasks.
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
  const held = demand.reserved === 0 ? 0 : demand.reserved / startsPerSlot(demand, demand.strictestGoalMs);
  return demand.queues.reduce(
    (sum, queue) => (queue.ready === 0 ? sum : sum + queue.ready / startsPerSlot(demand, queue.waitGoalMs)),
    held,
  );
}

/** How many tasks one free slot begins before the goal is missed. */
function startsPerSlot(demand: Demand, waitGoalMs: number): number {
  return 1 + Math.floor(Math.max(0, waitGoalMs - demand.coldStartMs) / demand.serviceMs);
}

/** Slots, in parts, that are there or on their way. A busy slot misses the first start. */
function supply(demand: Demand): number {
  const goals = demand.queues.filter((queue) => queue.ready > 0).map((queue) => queue.waitGoalMs);
  const starts = startsPerSlot(demand, goals.length > 0 ? Math.min(...goals) : demand.strictestGoalMs);
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
