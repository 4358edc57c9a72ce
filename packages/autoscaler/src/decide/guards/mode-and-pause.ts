import type { Guard } from './guard.ts';

/** `off` changes nothing; `up-only` never shrinks. `dry-run` passes: its decisions are recorded and not carried out. */
export const modeHolds: Guard = (to, { facts }) => {
  if (to === facts.current) return null;
  if (facts.spec.mode === 'off') return { to: facts.current, reason: 'off', text: 'mode is off' };
  if (facts.spec.mode === 'up-only' && to < facts.current) return { to: facts.current, reason: 'up-only', text: 'mode is up-only' };
  return null;
};

/** A pool paused in a direction does not move in it. */
export const pauseHolds: Guard = (to, { facts }) => {
  const { pause } = facts.spec;
  const held = pause === 'all' || (pause === 'out' && to > facts.current) || (pause === 'in' && to < facts.current);
  if (!held || to === facts.current) return null;
  return { to: facts.current, reason: 'paused', text: pause === 'all' ? 'the pool is paused' : `scaling ${pause} is paused` };
};
