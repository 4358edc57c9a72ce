import type { Guard } from './guard.ts';

/** Never below `min`, never above `max`; a schedule that is in force has replaced both in the spec already, and is named. */
export const bounds: Guard = (to, { facts, seen: { schedule } }) => {
  const { min, max } = facts.spec;
  if (to >= min && to <= max) return null;
  const scheduled = to < min ? schedule?.min : schedule?.max;
  const limit = to < min ? `min is ${min}` : `max is ${max}`;
  const replicas = to < min ? min : max;
  if (schedule !== null && scheduled !== null) return { to: replicas, reason: 'schedule', text: `${limit} by ${schedule.text}` };
  return { to: replicas, reason: to < min ? 'min' : 'max', text: limit };
};
