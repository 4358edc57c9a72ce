import type { Guard } from './guard.ts';

/** From so many replicas on, one more or less is noise. */
const FROM = 10;

/** A large pool does not move by a single replica, unless a task has waited for more than half of its goal or a bound says so. */
export const deadband: Guard = (to, { facts }) => {
  const { current, spec } = facts;
  if (current < FROM || Math.abs(to - current) !== 1 || current > spec.max || current < spec.min) return null;
  if (to > current && facts.demand.queues.some((queue) => queue.headAgeMs > queue.waitGoalMs / 2)) return null;
  return { to: current, reason: 'deadband', text: `one replica more or less of ${current} is noise` };
};
