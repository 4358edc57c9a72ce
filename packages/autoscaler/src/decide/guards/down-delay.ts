import type { Guard } from './guard.ts';

/** A shrink goes no lower than the highest wish of the last `downDelayMs`: the same pace at every count. */
export const downDelay: Guard = (to, { facts, highest }) => {
  if (facts.unused) return null;
  const floor = Math.min(facts.current, highest.replicas);
  if (to >= facts.current || to >= floor) return null;
  const untilMs = highest.atMs + facts.spec.downDelayMs;
  return {
    to: floor,
    reason: 'down-delay',
    text: `${highest.replicas} were wanted within the last ${facts.spec.downDelayMs / 1_000} s`,
    untilMs,
  };
};
