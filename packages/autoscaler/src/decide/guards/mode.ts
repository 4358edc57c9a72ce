import type { Guard } from './guard.ts';

/** `off` changes nothing; `up-only` never shrinks. `dry-run` passes: its decisions are recorded and not carried out. */
export const modeHolds: Guard = (to, { facts }) => {
  if (to === facts.current) return null;
  if (facts.spec.mode === 'off') return { to: facts.current, reason: 'off', text: 'mode is off' };
  if (facts.spec.mode === 'up-only' && to < facts.current) return { to: facts.current, reason: 'up-only', text: 'mode is up-only' };
  return null;
};
