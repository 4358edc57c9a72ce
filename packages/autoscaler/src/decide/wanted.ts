import type { Decision, Stage } from './decision.ts';

/** What is left of a number by others than the work and people: what a budget, safety, the target or a pause makes of it. */
const LEFT: ReadonlySet<Stage['stage']> = new Set([
  'budget',
  'unknown',
  'busy',
  'up-step',
  'pending',
  'target',
  'off',
  'up-only',
  'paused',
  'held',
]);

/** How many replicas the work or an order asks for, whatever the pool is held to. Pure. */
export function wantedOf({ stages }: Pick<Decision, 'stages'>): number {
  return stages.findLast(({ stage }) => !LEFT.has(stage))?.replicas ?? 0;
}
