import type { ReasonCode } from '../decide/decision.ts';
import type { PoolTick } from '../loop/pool-loop.ts';

/** A decision that changes the number of replicas. */
export interface NewDecision {
  readonly direction: 'up' | 'down';
  readonly reason: ReasonCode;
}

/** Tells decisions that change the number of replicas, each once: until one is carried out, every turn takes it again. */
export interface NewDecisions {
  /** What a turn of a pool decided anew; null for nothing, or for what its last turn had decided already. */
  of(tick: PoolTick): NewDecision | null;
  forget(pool: string): void;
}

/** One that has seen nothing yet. */
export function createNewDecisions(): NewDecisions {
  const last = new Map<string, string>();
  return {
    of({ pool, decision: { apply, from, to, reason } }) {
      if (!apply || to === from) {
        last.delete(pool);
        return null;
      }
      const direction = to > from ? 'up' : 'down';
      const made = `${direction} ${reason} ${to}`;
      if (last.get(pool) === made) return null;
      last.set(pool, made);
      return { direction, reason };
    },
    forget: (pool) => void last.delete(pool),
  };
}
