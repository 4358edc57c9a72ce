/** Why a pod in which tasks ran was ended by force. */
export const KILL_CAUSES = ['scale-in', 'eviction', 'oom', 'rollout', 'deletion', 'crash'] as const;

/** How a write of a target's replicas ended: `conflict` where somebody else had changed them, `refused` where it was not allowed. */
export const WRITE_RESULTS = ['written', 'conflict', 'refused', 'failed'] as const;

/** What is counted for each pool, and the values its label may have. */
export const COUNTED: {
  /** Label `cause`. */
  readonly tasks_killed: typeof KILL_CAUSES;
  /** Label `result`. */
  readonly scale_writes: typeof WRITE_RESULTS;
  /** Replicas that went in place of those a shrink had named. */
  readonly wrong_victims: readonly ['replica'];
  /** Label `direction`: decisions that changed the number. */
  readonly decisions: readonly ['up', 'down'];
} = {
  tasks_killed: KILL_CAUSES,
  scale_writes: WRITE_RESULTS,
  wrong_victims: ['replica'],
  decisions: ['up', 'down'],
};

/** A word of {@link COUNTED}. */
export type Counted = keyof typeof COUNTED;

/** The values the label of a counted thing may have. */
export type CountedAs<W extends Counted> = (typeof COUNTED)[W][number];

/** Counts of one pool since the start. */
export interface PoolTally {
  add<W extends Counted>(what: W, as: CountedAs<W>, by?: number): void;
  /** 0 for what never happened. */
  count<W extends Counted>(what: W, as: CountedAs<W>): number;
}

/** Counts of all pools. It costs nothing to count, whether or not somebody reads it. */
export interface Tally {
  of(pool: string): PoolTally;
  /** Forgets a pool that is gone. */
  forget(pool: string): void;
}

/** A tally with nothing in it. */
export function createTally(): Tally {
  const pools = new Map<string, PoolTally>();
  return {
    of(pool) {
      const known = pools.get(pool);
      if (known !== undefined) return known;
      const made = createPoolTally();
      pools.set(pool, made);
      return made;
    },
    forget: (pool) => void pools.delete(pool),
  };
}

/** Counts of one pool. */
export function createPoolTally(): PoolTally {
  const counts = new Map<string, number>();
  return {
    add: (what, as, by = 1) => void counts.set(`${what} ${as}`, (counts.get(`${what} ${as}`) ?? 0) + by),
    count: (what, as) => counts.get(`${what} ${as}`) ?? 0,
  };
}
