import { type PoolSize, replicaSize } from '@celeriac/protocol';

/** Names of what a budget may limit. */
export const RESOURCES = ['cpu', 'memory', 'gpu', 'replicas'] as const;

/** What a budget may limit: cores in thousandths, bytes of memory, whole devices, replicas of whatever size. */
export type Resource = (typeof RESOURCES)[number];

/** Limits of a budget, or what is used of them. An absent one is not limited. */
export type Amounts = Readonly<Partial<Record<Resource, number>>>;

/** What one replica takes of a budget. Null where its size is not declared: such a pool cannot share a budget that limits it. */
export type ReplicaCost = Readonly<Record<Resource, number | null>>;

/** A declared size as a cost; a pool without any costs one of `replicas`. */
export function replicaCost(size: PoolSize | undefined): ReplicaCost {
  const { cpuCores, memoryBytes, gpus } = replicaSize(size);
  return { cpu: cpuCores === null ? null : Math.ceil(cpuCores * 1_000), memory: memoryBytes, gpu: gpus, replicas: 1 };
}

/** An amount for people. */
export function amountText(resource: Resource, amount: number): string {
  if (resource === 'cpu') return `${amount / 1_000} cpu`;
  if (resource === 'memory') return `${Number((amount / 1_073_741_824).toPrecision(4))} GiB of memory`;
  return resource === 'gpu' ? `${amount} gpu` : `${amount} ${amount === 1 ? 'replica' : 'replicas'}`;
}
