import type { Scaler } from './scaler.ts';

/** Always so many pods. */
export function fixedScaler(replicas: number): Scaler {
  return { name: 'fixed', rest: replicas, start: (cluster) => cluster.grow(replicas) };
}
