/** What a policy is told: sums over the pool, unknowns already counted by the caller as they must be. */
export interface Demand {
  /** Ready messages of each queue whose depth is known, how long its tasks may wait, and how long the oldest has waited. */
  readonly queues: readonly {
    readonly name: string;
    readonly ready: number;
    readonly waitGoalMs: number;
    /** Ms; 0 where none waits. */
    readonly headAgeMs: number;
  }[];
  /** The shortest wait goal of all the pool's queues, known or not. */
  readonly strictestGoalMs: number;
  /** Tasks running now. */
  readonly active: number;
  /** Tasks handed out that have not begun. */
  readonly reserved: number;
  /** Slots of replicas that are up, and of those on their way. */
  readonly slotsUp: number;
  readonly slotsStarting: number;
  readonly slotsPerReplica: number;
  readonly serviceMs: number;
  readonly coldStartMs: number;
  readonly headroom: number;
}

/** A policy's answer, before guards. */
export interface Wish {
  readonly slots: number;
  readonly replicas: number;
  /** One sentence for people. */
  readonly text: string;
}

/** Turns demand into a wish. Pure. */
export interface Policy {
  readonly name: string;
  wish(demand: Demand): Wish;
}
