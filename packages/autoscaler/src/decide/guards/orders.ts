import type { Guard } from './guard.ts';

/** A pool ordered to count as active is not at zero, as by KEDA's `autoscaling.keda.sh/force-activation`. Other bounds stay. */
export const forceActive: Guard = (to, { seen: { orders } }) => {
  if (!orders.forceActive || to >= 1) return null;
  return { to: 1, reason: 'force-active', text: `ordered to count as active${by(orders.by)}` };
};

/**
 * Exactly so many replicas, as by KEDA's `autoscaling.keda.sh/paused-replicas`: whatever the policy wishes, outside of min and max too, at
 * once (no down-delay, no idle time), and before a pause. What holds work is still never taken, and nobody shrinks on signals that are missing.
 */
export const fixed: Guard = (to, { facts, seen: { orders } }) => {
  const ordered = orders.fixed ?? facts.spec.fixed;
  if (ordered === null || to === ordered) return null;
  return { to: ordered, reason: 'fixed', text: `fixed at ${ordered}${orders.fixed === null ? ' by the configuration' : by(orders.by)}` };
};

/**
 * A pool paused in a direction does not move in it: `all` as by KEDA's `autoscaling.keda.sh/paused`, `in` and `out` as by its
 * `paused-scale-in` and `paused-scale-out`. A fixed number comes before a pause, as there.
 */
export const pauseHolds: Guard = (to, { facts, seen: { orders } }) => {
  if (to === facts.current || (orders.fixed ?? facts.spec.fixed) !== null) return null;
  const direction = to > facts.current ? 'out' : 'in';
  const ordered = holds(orders.pause, direction);
  if (!ordered && !holds(facts.spec.pause, direction)) return null;
  const pause = ordered ? orders.pause : facts.spec.pause;
  const what = pause === 'all' ? 'the pool is paused' : `scaling ${direction} is paused`;
  return { to: facts.current, reason: 'paused', text: `${what}${ordered ? by(orders.by) : ' by the configuration'}` };
};

function holds(pause: 'all' | 'in' | 'out' | null, direction: 'in' | 'out'): boolean {
  return pause === 'all' || pause === direction;
}

function by(who: string): string {
  return who === '' ? '' : ` by ${who}`;
}
