import type { Guard } from './guard.ts';

/** Never below `min`, never above `max`. */
export const bounds: Guard = (to, { facts }) => {
  const { min, max } = facts.spec;
  if (to < min) return { to: min, reason: 'min', text: `min is ${min}` };
  if (to > max) return { to: max, reason: 'max', text: `max is ${max}` };
  return null;
};
