import type { Guard } from './guard.ts';

/** Never below the replicas that hold work. */
export const busyFloor: Guard = (to, { facts }) => {
  const floor = Math.min(facts.busy, facts.current);
  if (to >= floor) return null;
  return {
    to: floor,
    reason: 'busy',
    text: `${facts.busy} ${facts.busy === 1 ? 'replica holds' : 'replicas hold'} work or cannot be heard`,
  };
};
