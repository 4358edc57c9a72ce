import type { Guard } from './guard.ts';

/** Signals missing for long: at least the configured number of replicas, from zero too. */
export const fallback: Guard = (to, { facts }) => {
  const configured = facts.spec.fallback;
  if (configured === null || facts.unknownSinceMs === null || to >= configured.replicas) return null;
  const dueMs = facts.unknownSinceMs + configured.afterMs;
  if (facts.nowMs < dueMs) return null;
  return {
    to: configured.replicas,
    reason: 'fallback',
    text: `signals missing, fallback is ${configured.replicas}: ${facts.unknown.join('; ')}`,
  };
};
