import type { PoolSize } from './pool-size.ts';
import { NANO, type QuantityKind, readQuantity } from './quantity.ts';

/** What one replica takes up, in base units as numbers, for sums; null where the pool does not declare it. */
export interface ReplicaSize {
  readonly cpuCores: number | null;
  readonly memoryBytes: number | null;
  /** Whole devices; 0 where none are declared. */
  readonly gpus: number;
}

/** A declared size as numbers. What is no quantity counts as not declared; {@link createPoolRouter} and the schema of pools.yaml refuse it. */
export function replicaSize(size: PoolSize | undefined): ReplicaSize {
  const { cpu, memory, gpu } = size ?? {};
  return {
    cpuCores: numberOf(cpu, 'cpu'),
    memoryBytes: numberOf(memory, 'memory'),
    gpus: typeof gpu === 'object' ? (gpu.count ?? 1) : (gpu ?? 0),
  };
}

function numberOf(written: unknown, kind: QuantityKind): number | null {
  if (written === undefined) return null;
  const read = readQuantity(written, kind);
  return read.kind === 'faulty' ? null : Number(read.nano) / Number(NANO);
}
