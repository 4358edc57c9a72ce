import type { Guard } from './guard.ts';

/** Nothing shrinks while a needed signal is missing, or before workers that do not say what they hold have been asked. */
export const unknownHolds: Guard = (to, { facts }) => {
  if (to >= facts.current) return null;
  const fallbackMs =
    facts.spec.fallback === null || facts.unknownSinceMs === null ? null : facts.unknownSinceMs + facts.spec.fallback.afterMs;
  if (facts.unknown.length > 0) {
    const text = `not known, so nothing shrinks: ${facts.unknown.join('; ')}`;
    return {
      to: facts.current,
      reason: 'unknown',
      text,
      ...(fallbackMs !== null && fallbackMs > facts.nowMs ? { untilMs: fallbackMs } : {}),
    };
  }
  if (facts.mustAsk.length === 0) return null;
  return {
    to: facts.current,
    reason: 'unknown',
    text: `asking ${facts.mustAsk.length} ${facts.mustAsk.length === 1 ? 'worker' : 'workers'} what they hold before anything shrinks`,
    ask: facts.mustAsk,
  };
};
