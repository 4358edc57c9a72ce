import type { Guard } from './guard.ts';

/**
 * No more than a shared budget leaves, at once and without a down-delay: others wait for it. Replicas that are there already and hold work
 * are never taken by it.
 */
export const budget: Guard = (to, { facts, seen: { grant } }) => {
  if (grant === null) return null;
  const since = Math.max(0, facts.leaving + facts.stuck - grant.besides);
  const most = Math.max(grant.replicas - since, Math.min(facts.busy, facts.current));
  return to <= most ? null : { to: most, reason: 'budget', text: grant.text };
};
