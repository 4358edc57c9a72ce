import { worthKeeping } from '../../window/gaps.ts';
import type { Guard } from './guard.ts';

/** Idle replicas stay where the pool's own past says that a cold start would cost more than the wait for the next need. */
export const keepWarm: Guard = (to, { facts, gaps }) => {
  const { keepWarm: starts } = facts.spec;
  if (starts === 0 || to >= facts.current) return null;
  const kept = worthKeeping(gaps, facts.nowMs, starts * facts.demand.coldStartMs);
  if (kept === null) return null;
  const floor = Math.min(facts.current, kept.replicas);
  if (floor <= to) return null;
  return { to: floor, reason: 'keep-warm', text: `${floor} will likely be needed again soon`, untilMs: kept.untilMs };
};
