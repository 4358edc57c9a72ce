import type { BudgetAsk } from './decision.ts';
import type { Facts } from './facts.ts';

/**
 * What the pool asks of a budget. Pure.
 * @param wanted what it would run now, `kept` what it would keep for a while, both before any budget
 * @param held what modes, pauses, holds and the target make of a number: a pool that may not move, or whose target takes on no more, asks
 * for what it can use, and leaves the rest to others
 */
export function budgetAskOf(facts: Facts, wanted: number, kept: number, held: (replicas: number) => number): BudgetAsk {
  const wish = held(wanted);
  // Nothing shrinks while signals are missing, and held(0) is what is left where nothing may shrink at all.
  const unyielding = facts.unknown.length > 0 ? facts.current : Math.min(held(0), facts.current);
  return {
    wish,
    keep: Math.max(wish, held(kept)),
    floor: Math.max(Math.min(facts.spec.min, wish), Math.min(facts.busy, facts.current), unyielding),
  };
}
