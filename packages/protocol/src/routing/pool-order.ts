import type { PoolCapacity, Share } from './pool-capacity.ts';

/**
 * Orders pools from the smallest to the largest, by what one task may use: fewer GPUs first, so that a task without one takes such a pool only where
 * no other will do; then the smaller dominant share, which is the larger of its cpu and its memory, each as a part of the most any pool has; then
 * as declared. What is not declared counts as more than the most. The same for every task.
 */
export function smallestFirst(pools: readonly PoolCapacity[]): readonly PoolCapacity[] {
  const [mostCpu, mostMemory] = [mostOf(pools.map(({ cpu }) => cpu)), mostOf(pools.map(({ memory }) => memory))];
  return pools
    .map((capacity) => ({ capacity, dominant: larger(partOf(capacity.cpu, mostCpu), partOf(capacity.memory, mostMemory)) }))
    .sort((left, right) => compare(left.capacity.gpu, right.capacity.gpu) || compare(left.dominant, right.dominant))
    .map(({ capacity }) => capacity);
}

type KnownShare = Extract<Share, { readonly kind: 'known' }>;

const NOTHING: KnownShare = { kind: 'known', nano: 0n, parts: 1n, text: '' };

/** Unknown is larger than everything. */
function compare(left: Share, right: Share): number {
  if (left.kind === 'unknown' || right.kind === 'unknown') return Number(left.kind === 'unknown') - Number(right.kind === 'unknown');
  const difference = left.nano * right.parts - right.nano * left.parts;
  return difference === 0n ? 0 : difference < 0n ? -1 : 1;
}

function larger(left: Share, right: Share): Share {
  return compare(left, right) < 0 ? right : left;
}

/** The most any pool has; nothing where none says. */
function mostOf(shares: readonly Share[]): KnownShare {
  return shares.reduce<KnownShare>((most, share) => (share.kind === 'known' && compare(share, most) > 0 ? share : most), NOTHING);
}

/** What no pool declares tells none from another. */
function partOf(share: Share, most: KnownShare): Share {
  if (most.nano === 0n) return NOTHING;
  return share.kind === 'unknown' ? share : { ...share, nano: share.nano * most.parts, parts: share.parts * most.nano };
}
