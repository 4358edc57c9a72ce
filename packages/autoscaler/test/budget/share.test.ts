import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Amounts, RESOURCES, type ReplicaCost, replicaCost } from '../../src/budget/resources.ts';
import { type Ask, shareBudget } from '../../src/budget/share.ts';

const oneReplica: ReplicaCost = { cpu: 1_000, memory: null, gpu: 0, replicas: 1 };

function ask(pool: string, changes: Partial<Ask> = {}): Ask {
  const wish = changes.wish ?? 0;
  return {
    pool,
    tier: 1,
    weight: 1,
    cost: oneReplica,
    floor: 0,
    wish,
    keep: wish,
    max: wish,
    current: 0,
    leaving: 0,
    stuck: 0,
    ...changes,
  };
}

function shares(limits: Amounts, ...asks: readonly Ask[]): Record<string, number> {
  return Object.fromEntries(shareBudget(limits, asks));
}

describe('a budget', () => {
  const ten: Amounts = { replicas: 10 };

  it('gives everybody what they wish where it is enough, and shares what is left as room to grow into', () => {
    expect(shares(ten, ask('a', { wish: 2, max: 20 }), ask('b', { wish: 4, max: 20 }))).toEqual({ a: 5, b: 5 });
    expect(shares(ten, ask('a', { wish: 2, max: 3 }), ask('b', { wish: 4, max: 20 }))).toEqual({ a: 3, b: 7 });
  });
  it('is shared by weight inside a tier, and what one does not want goes to the others', () => {
    expect(shares(ten, ask('a', { wish: 20 }), ask('b', { wish: 20 }))).toEqual({ a: 5, b: 5 });
    expect(shares(ten, ask('a', { wish: 20, weight: 4 }), ask('b', { wish: 20 }))).toEqual({ a: 8, b: 2 });
    expect(shares(ten, ask('a', { wish: 1 }), ask('b', { wish: 20 }), ask('c', { wish: 20 }))).toEqual({ a: 1, b: 5, c: 4 });
  });
  it('serves lower tiers first', () => {
    expect(shares(ten, ask('a', { wish: 8, tier: 0 }), ask('b', { wish: 8, tier: 5 }))).toEqual({ a: 8, b: 2 });
  });
  it('never takes running work back, whatever the tier', () => {
    expect(shares(ten, ask('a', { wish: 10, tier: 0 }), ask('b', { wish: 8, floor: 7, current: 8, tier: 5 }))).toEqual({ a: 2, b: 7 });
  });
  it('grants what is yielded only once it has gone', () => {
    const idle = { wish: 0, current: 8, tier: 5 };
    expect(shares(ten, ask('a', { wish: 10, tier: 0 }), ask('b', idle))).toEqual({ a: 2, b: 0 });
    expect(shares(ten, ask('a', { wish: 10, tier: 0 }), ask('b', { ...idle, current: 0, leaving: 8 }))).toEqual({ a: 2, b: 0 });
    expect(shares(ten, ask('a', { wish: 10, tier: 0 }), ask('b', { ...idle, current: 0 }))).toEqual({ a: 10, b: 0 });
  });
  it('lets a pool keep what nobody else wishes, and takes it for a wish', () => {
    const resting = ask('a', { wish: 0, keep: 6, max: 6, current: 6 });
    expect(shares(ten, resting, ask('b', { wish: 4 }))).toEqual({ a: 6, b: 4 });
    expect(shares(ten, resting, ask('b', { wish: 7 }))).toEqual({ a: 3, b: 4 });
  });
  it('counts stuck replicas', () => {
    expect(shares(ten, ask('a', { wish: 10, stuck: 3 }), ask('b', { wish: 10 }))).toEqual({ a: 4, b: 3 });
  });
  it('counts in the units it limits', () => {
    const small = { cost: { ...oneReplica, cpu: 500, memory: 1_000 } };
    const large = { cost: { ...oneReplica, cpu: 4_000, memory: 1_000 } };
    expect(shares({ cpu: 10_000 }, ask('small', { wish: 99, ...small }), ask('large', { wish: 99, ...large }))).toEqual({
      small: 12,
      large: 1,
    });
    // What one has most of counts: memory for the small ones, processors for the large ones.
    expect(shares({ cpu: 16_000, memory: 8_000 }, ask('small', { wish: 99, ...small }), ask('large', { wish: 99, ...large }))).toEqual({
      small: 5,
      large: 3,
    });
  });
  it('goes on with those that fit where the next replica of another does not', () => {
    const large = { cost: { ...oneReplica, cpu: 7_000 } };
    expect(shares({ cpu: 10_000 }, ask('a', { wish: 9, tier: 0, ...large }), ask('b', { wish: 9 }))).toEqual({ a: 1, b: 3 });
  });
  it('reads sizes as Kubernetes writes them', () => {
    expect(replicaCost({ cpu: '500m', memory: '1Gi', gpu: { count: 2 } })).toEqual({
      cpu: 500,
      memory: 1_073_741_824,
      gpu: 2,
      replicas: 1,
    });
    expect(replicaCost(undefined)).toEqual({ cpu: null, memory: null, gpu: 0, replicas: 1 });
  });
});

const cost = fc.record({
  cpu: fc.integer({ min: 1, max: 8 }).map((half) => half * 500),
  memory: fc.integer({ min: 1, max: 8 }),
  gpu: fc.integer({ min: 0, max: 2 }),
  replicas: fc.constant(1),
});
const limits: fc.Arbitrary<Amounts> = fc.record(
  {
    cpu: fc.integer({ min: 0, max: 60_000 }),
    memory: fc.integer({ min: 0, max: 60 }),
    gpu: fc.integer({ min: 0, max: 10 }),
    replicas: fc.integer({ min: 0, max: 60 }),
  },
  { requiredKeys: [] },
);
const count = fc.integer({ min: 0, max: 20 });

function asksOf(costs: fc.Arbitrary<ReplicaCost>): fc.Arbitrary<readonly Ask[]> {
  const one = fc
    .record({
      tier: fc.integer({ min: 0, max: 2 }),
      weight: fc.integer({ min: 1, max: 40 }).map((quarters) => quarters / 4),
      cost: costs,
      wish: count,
      more: count,
      most: count,
      min: fc.integer({ min: 0, max: 3 }),
      current: count,
      busy: count,
      leaving: fc.integer({ min: 0, max: 3 }),
      stuck: fc.integer({ min: 0, max: 3 }),
    })
    .map(({ more, most, min, busy, ...rest }) => {
      const wish = rest.wish + min;
      return { ...rest, wish, keep: wish + more, max: wish + most, floor: Math.max(min, Math.min(busy, rest.current)) };
    });
  return fc.array(one, { minLength: 1, maxLength: 6 }).map((asks) => asks.map((rest, index) => ({ pool: `p${index}`, ...rest })));
}

/** What is taken of a resource, by a number for each pool. */
function taken(asks: readonly Ask[], resource: (typeof RESOURCES)[number], replicas: (one: Ask) => number): number {
  return asks.reduce((sum, one) => sum + replicas(one) * (one.cost[resource] ?? 0), 0);
}

describe('whatever pools ask', () => {
  const granted = (all: ReadonlyMap<string, number>, one: Ask): number => all.get(one.pool) ?? Number.NaN;

  it('nobody gets less than its floor or more than it could use', () => {
    fc.assert(
      fc.property(limits, asksOf(cost), (limit, asks) => {
        const all = shareBudget(limit, asks);
        for (const one of asks) {
          expect(granted(all, one)).toBeGreaterThanOrEqual(one.floor);
          expect(granted(all, one)).toBeLessThanOrEqual(Math.max(one.floor, one.keep, one.max));
        }
      }),
    );
  });

  it('the budget is exceeded by nothing but floors and what is there already', () => {
    fc.assert(
      fc.property(limits, asksOf(cost), (limit, asks) => {
        const all = shareBudget(limit, asks);
        for (const resource of RESOURCES) {
          const most = limit[resource];
          if (most === undefined) continue;
          const there = taken(asks, resource, (one) => Math.max(one.current, one.floor) + one.leaving + one.stuck);
          const then = taken(asks, resource, (one) => Math.max(one.current, granted(all, one)) + one.leaving + one.stuck);
          expect(then).toBeLessThanOrEqual(Math.max(most, there));
          const kept = taken(asks, resource, (one) => granted(all, one) + one.stuck);
          expect(kept).toBeLessThanOrEqual(
            Math.max(
              most,
              taken(asks, resource, (one) => one.floor + one.stuck),
            ),
          );
        }
      }),
    );
  });

  it('nothing is left that somebody could use, once all that is yielded has gone', () => {
    fc.assert(
      fc.property(limits, asksOf(cost), (limit, asks) => {
        const rested = asks.map((one) => ({ ...one, current: 0, leaving: 0 }));
        const all = shareBudget(limit, rested);
        for (const one of rested) {
          if (granted(all, one) >= Math.max(one.keep, one.max)) continue;
          const full = RESOURCES.some((resource) => {
            const most = limit[resource];
            const next = one.cost[resource] ?? 0;
            return most !== undefined && next > 0 && taken(rested, resource, (other) => granted(all, other) + other.stuck) + next > most;
          });
          expect(full, `${one.pool} could have one more`).toBe(true);
        }
      }),
    );
  });

  it('a lower tier has no more than its floor while a wish of an upper one is open', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 60 }), asksOf(fc.constant(oneReplica)), (replicas, asks) => {
        const rested = asks.map((one) => ({ ...one, current: 0, leaving: 0 }));
        const all = shareBudget({ replicas }, rested);
        for (const one of rested) {
          if (granted(all, one) >= one.wish) continue;
          for (const other of rested) if (other.tier > one.tier) expect(granted(all, other)).toBe(other.floor);
        }
      }),
    );
  });

  it('inside a tier nobody with an open wish is behind another by more than one replica for its weight', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 60 }), asksOf(fc.constant(oneReplica)), (replicas, asks) => {
        const rested = asks.map((one) => ({ ...one, current: 0, leaving: 0, tier: 1 }));
        const all = shareBudget({ replicas }, rested);
        for (const one of rested) {
          if (granted(all, one) >= one.wish) continue;
          for (const other of rested) {
            if (granted(all, other) > other.floor)
              expect((granted(all, other) - 1) / other.weight).toBeLessThanOrEqual(granted(all, one) / one.weight);
          }
        }
      }),
    );
  });

  it('more weight never means less', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 60 }),
        asksOf(fc.constant(oneReplica)),
        fc.integer({ min: 1, max: 8 }),
        (replicas, asks, factor) => {
          const [first, ...others] = asks;
          if (first === undefined) return;
          const before = shareBudget({ replicas }, asks);
          const after = shareBudget({ replicas }, [{ ...first, weight: first.weight * factor }, ...others]);
          expect(granted(after, first)).toBeGreaterThanOrEqual(granted(before, first));
        },
      ),
    );
  });

  it('the answer is the same whatever the order of asking', () => {
    fc.assert(
      fc.property(limits, asksOf(cost), (limit, asks) => {
        expect(Object.fromEntries(shareBudget(limit, [...asks].reverse()))).toEqual(Object.fromEntries(shareBudget(limit, asks)));
      }),
    );
  });

  it('following the grants ends, and ends inside the budget', () => {
    fc.assert(
      fc.property(limits, asksOf(cost), (limit, asks) => {
        let all = asks;
        for (let turn = 0; turn < 4; turn += 1) {
          const grants = shareBudget(limit, all);
          // Whoever is above its grant shrinks to it, whoever wishes more grows up to it; what leaves has left by the next turn.
          all = all.map((one) => {
            const grant = granted(grants, one);
            return { ...one, leaving: 0, current: one.current > grant ? grant : Math.max(one.current, Math.min(one.wish, grant)) };
          });
        }
        const grants = shareBudget(limit, all);
        for (const one of all) {
          expect(one.current).toBeLessThanOrEqual(granted(grants, one));
          expect(Math.min(one.wish, granted(grants, one))).toBeLessThanOrEqual(Math.max(one.current, one.floor));
        }
      }),
    );
  });
});

it('shares five thousand replicas among a thousand pools in a few milliseconds', () => {
  const asks = Array.from({ length: 1_000 }, (_, index) =>
    ask(`p${index}`, { wish: index % 13, keep: index % 17, max: 40, weight: 1 + (index % 3), tier: index % 3 }),
  );
  const before = process.cpuUsage();
  const all = shareBudget({ cpu: 5_000_000 }, asks);
  // Its own time, not that of others on the same core.
  expect(process.cpuUsage(before).user / 1_000).toBeLessThan(500);
  expect([...all.values()].reduce((sum, replicas) => sum + replicas, 0)).toBe(5_000);
});
