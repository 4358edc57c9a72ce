import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Demand } from '../../src/policies/policy.ts';
import { queueWait } from '../../src/policies/queue-wait.ts';

const demand = (changes: Partial<Demand> = {}): Demand => ({
  queues: [],
  strictestGoalMs: 10_000,
  active: 0,
  reserved: 0,
  slotsUp: 0,
  slotsStarting: 0,
  slotsPerReplica: 4,
  serviceMs: 1_000,
  coldStartMs: 1_000,
  headroom: 0,
  ...changes,
});
const waiting = (ready: number, waitGoalMs = 10_000, headAgeMs = 0): Demand['queues'] => [{ name: 'q', ready, waitGoalMs, headAgeMs }];

describe('slots for the queue-wait goal', () => {
  it.each<[string, Partial<Demand>, number]>([
    ['nothing at all', {}, 0],
    ['one task from zero', { queues: waiting(1) }, 1],
    ['as many slots as tasks at most', { queues: waiting(3), serviceMs: 60_000 }, 3],
    // Goal 10 s less 1 s of cold start: a slot begins 1 + 9 tasks of a second in time; 2 roots of 100 for those that take longer.
    ['a hundred tasks of a second from zero', { queues: waiting(100) }, 12],
    // 1 + 9 / 9 tasks in each slot: 4 slots for (4 + 2 * 2) / 2, 27 for (40 + 2 * 6.3) / 2.
    ['four tasks get a slot each where two begin in time in one', { queues: waiting(4), serviceMs: 9_000 }, 4],
    ['forty tasks share where two begin in time in one', { queues: waiting(40), serviceMs: 9_000 }, 27],
    ['a goal that has been missed leaves no time to share', { queues: waiting(40, 10_000, 19_000), serviceMs: 9_000 }, 40],
    ['ten thousand tasks of a millisecond from zero', { queues: waiting(10_000), serviceMs: 1 }, 2],
    ['tasks longer than the goal need a slot each', { queues: waiting(40), serviceMs: 30_000 }, 40],
    ['a cold start longer than the goal: a slot each, nothing can be in time', { queues: waiting(40), coldStartMs: 60_000 }, 40],
    ['what runs keeps its slot', { active: 7, slotsUp: 8 }, 7],
    ['a ripple in front of busy slots with short tasks adds nothing', { queues: waiting(2), active: 4, slotsUp: 4, serviceMs: 1 }, 4],
    ['a backlog the present slots begin in time adds nothing', { queues: waiting(25), active: 4, slotsUp: 4 }, 4],
    ['a backlog they cannot begin in time adds the difference', { queues: waiting(100), active: 4, slotsUp: 4 }, 13],
    ['idle slots take it', { queues: waiting(4), slotsUp: 4, serviceMs: 60_000 }, 4],
    ['slots on their way take it', { queues: waiting(4), slotsStarting: 4, serviceMs: 60_000 }, 4],
    ['tasks handed out but not begun count as waiting', { reserved: 6, active: 2, slotsUp: 2, serviceMs: 60_000 }, 8],
    ['headroom is a multiple of the root of the busy', { active: 16, slotsUp: 16, headroom: 1 }, 20],
  ])('%s', (_, changes, slots) => {
    expect(queueWait.wish(demand(changes)).slots).toBe(slots);
  });

  it('adds several queues up, each with its own goal', () => {
    const queues = [
      { name: 'slow', ready: 50, waitGoalMs: 101_000, headAgeMs: 0 },
      { name: 'fast', ready: 50, waitGoalMs: 1_000, headAgeMs: 0 },
    ];
    // 50 / (1 + 100) and 50 / 1
    expect(queueWait.wish(demand({ queues })).slots).toBe(51);
  });

  it('rounds slots up to replicas', () => {
    expect(queueWait.wish(demand({ queues: waiting(40), serviceMs: 30_000 })).replicas).toBe(10);
    expect(queueWait.wish(demand({ queues: waiting(41), serviceMs: 30_000 })).replicas).toBe(11);
  });
});

const anyDemand = fc.record({
  queues: fc.array(
    fc.record({
      name: fc.constant('q'),
      ready: fc.nat(100_000),
      waitGoalMs: fc.integer({ min: 1, max: 600_000 }),
      headAgeMs: fc.nat(1_200_000),
    }),
    {
      maxLength: 4,
    },
  ),
  strictestGoalMs: fc.integer({ min: 1, max: 600_000 }),
  active: fc.nat(500),
  reserved: fc.nat(500),
  slotsUp: fc.nat(500),
  slotsStarting: fc.nat(500),
  slotsPerReplica: fc.integer({ min: 1, max: 64 }),
  serviceMs: fc.double({ min: 1, max: 3_600_000, noNaN: true }),
  coldStartMs: fc.double({ min: 0, max: 600_000, noNaN: true }),
  headroom: fc.double({ min: 0, max: 3, noNaN: true }),
});

describe('whatever the demand', () => {
  it('never below what runs, never more slots than tasks and spare, enough for one where anything waits', () => {
    fc.assert(
      fc.property(anyDemand, (given) => {
        const { slots, replicas } = queueWait.wish(given);
        const tasks = given.active + given.reserved + given.queues.reduce((sum, queue) => sum + queue.ready, 0);
        expect(slots).toBeGreaterThanOrEqual(given.active);
        expect(slots).toBeLessThanOrEqual(Math.ceil(tasks + given.headroom * Math.sqrt(given.active)));
        if (tasks > 0) expect(slots).toBeGreaterThan(0);
        expect(replicas).toBe(Math.ceil(slots / given.slotsPerReplica));
      }),
    );
  });

  it('more waiting never wants fewer slots', () => {
    fc.assert(
      fc.property(anyDemand, fc.nat(1_000), (given, more) => {
        const [first, ...rest] = given.queues;
        if (first === undefined) return;
        const grown = { ...given, queues: [{ ...first, ready: first.ready + more }, ...rest] };
        // An empty queue's goal does not count, so a queue that was empty may make the others' supply stricter: only more can follow.
        expect(queueWait.wish(grown).slots).toBeGreaterThanOrEqual(queueWait.wish(given).slots);
      }),
    );
  });
});
