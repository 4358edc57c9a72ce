import type { Guard } from './guard.ts';

/** Signals missing for long: at least the configured number of replicas, from zero too. */
export const fallback: Guard = (to, { facts }) => {
  const configured = facts.spec.fallback;
  if (configured === null || facts.unknownSinceMs === null || to >= Math.min(configured.replicas, facts.spec.max)) return null;
  const dueMs = facts.unknownSinceMs + configured.afterMs;
  if (facts.nowMs < dueMs) return null;
  return {
    to: Math.min(configured.replicas, facts.spec.max),
    reason: 'fallback',
    text: `signals missing, fallback is ${configured.replicas}: ${facts.unknown.join('; ')}`,
  };
};
