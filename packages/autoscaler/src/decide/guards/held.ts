import type { Guard } from './guard.ts';

/**
 * A target that must not be written to (somebody else writes its replicas) stays as it is, in both directions. A dry run writes nothing
 * and goes on to say what it would have done, which is what one wants to know beside another autoscaler.
 */
export const targetHeld: Guard = (to, { facts, seen: { hold } }) => {
  if (hold === null || to === facts.current || facts.spec.mode === 'dry-run') return null;
  return { to: facts.current, reason: 'held', text: hold };
};
