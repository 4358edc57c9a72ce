import type { Guard } from './guard.ts';

/** At most `maxUpStep` more by one decision. */
export const upStep: Guard = (to, { facts }) => {
  const step = facts.spec.maxUpStep;
  if (step === null || to <= facts.current + step) return null;
  return { to: facts.current + step, reason: 'up-step', text: `at most ${step} more at a time` };
};

/** At most `maxPending` on their way at the same time. */
export const pending: Guard = (to, { facts }) => {
  const limit = facts.spec.maxPending;
  return limit === null ? null : capPending(to, facts, limit, 'pending', `at most ${limit} may be starting`);
};

/** What the target can take on: crash loops, quota, pods that cannot start. */
export const targetLimit: Guard = (to, { facts }) => {
  const { growth } = facts;
  if (growth.kind === 'open') return null;
  const most = Math.max(facts.current, growth.most ?? Number.POSITIVE_INFINITY);
  const capped = capPending(Math.min(to, most), facts, growth.pending, 'target', growth.reason);
  if (capped === null && to <= most) return null;
  return {
    to: capped?.to ?? most,
    reason: 'target',
    text: growth.reason,
    ...(growth.untilMs === null ? {} : { untilMs: growth.untilMs }),
  };
};

function capPending(
  to: number,
  facts: { readonly current: number; readonly starting: number },
  limit: number,
  reason: 'pending' | 'target',
  text: string,
): { to: number; reason: 'pending' | 'target'; text: string } | null {
  const most = facts.current + Math.max(0, limit - facts.starting);
  return to <= most ? null : { to: most, reason, text };
}
