import type { Cluster } from './cluster.ts';

/** A policy at work on a simulated cluster. It sees what it could see in a real one, and acts when it would. */
export interface Scaler {
  readonly name: string;
  /** Begins; everything else comes by the clock. */
  start(cluster: Cluster): void;
  /** Replicas where nothing is left to do. */
  readonly rest: number;
}
