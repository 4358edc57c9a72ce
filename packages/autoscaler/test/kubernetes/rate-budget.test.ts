import { expect, it } from 'vitest';
import { type Priority, pauseRequests, type RateBudget, rateBudget, takeRequest } from '../../src/kubernetes/rate-budget.ts';

/** How many may leave at once at this moment. */
function burstAt(budget: RateBudget, priority: Priority, nowMs: number): { readonly count: number; readonly budget: RateBudget } {
  let count = 0;
  for (let left = budget; ; count += 1) {
    const taken = takeRequest(left, priority, nowMs);
    if (taken.waitMs > 0) return { count, budget: taken.budget };
    left = taken.budget;
  }
}

it('lets a burst go, then one every 50 ms', () => {
  const { count, budget } = burstAt(rateBudget(0), 'urgent', 0);
  expect(count).toBe(30);
  expect(takeRequest(budget, 'urgent', 0).waitMs).toBeCloseTo(50);
  expect(takeRequest(budget, 'urgent', 30).waitMs).toBeCloseTo(20);
  expect(takeRequest(budget, 'urgent', 50).waitMs).toBe(0);
  expect(burstAt(budget, 'urgent', 1_000).count).toBe(20);
  expect(burstAt(budget, 'urgent', 3_600_000).count).toBe(30);
});

it('keeps the last of the burst for urgent requests', () => {
  const { count, budget } = burstAt(rateBudget(0), 'background', 0);
  expect(count).toBe(24);
  expect(burstAt(budget, 'urgent', 0).count).toBe(6);
});

it('lets background requests have their share when nothing is urgent', () => {
  let budget = burstAt(rateBudget(0), 'background', 0).budget;
  let left = 0;
  for (let nowMs = 0; nowMs <= 10_000; nowMs += 10) {
    const taken = takeRequest(budget, 'background', nowMs);
    budget = taken.budget;
    if (taken.waitMs === 0) left += 1;
  }
  expect(left).toBe(200);
});

it('lets nothing go during a pause, and never shortens one', () => {
  const budget = pauseRequests(pauseRequests(rateBudget(0), 5_000, 0), 1_000, 0);
  expect(takeRequest(budget, 'urgent', 1_000).waitMs).toBe(4_000);
  expect(takeRequest(budget, 'urgent', 5_000).waitMs).toBe(0);
});

it('is not confused by a clock that goes back', () => {
  const { budget } = burstAt(rateBudget(10_000), 'urgent', 10_000);
  expect(takeRequest(budget, 'urgent', 5_000).waitMs).toBeCloseTo(50);
  expect(burstAt(takeRequest(budget, 'urgent', 5_000).budget, 'urgent', 10_100).count).toBe(2);
});
