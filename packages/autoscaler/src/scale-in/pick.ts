import { isIdle, isUnproven } from '../decide/idle.ts';
import type { ReplicaSeen } from '../decide/seen.ts';

/**
 * Which replicas may go, best first: up, known to hold nothing, and with a worker that can be told. The youngest go first, since the
 * older ones have warm caches.
 */
export function candidates(replicas: readonly ReplicaSeen[]): readonly (ReplicaSeen & { readonly nodename: string })[] {
  const able = replicas.filter((replica): replica is ReplicaSeen & { readonly nodename: string } => {
    return replica.phase === 'ready' && !replica.cordoned && replica.nodename !== null && isIdle(replica) && !isUnproven(replica, 0);
  });
  return able.toSorted((a, b) => b.startedAtMs - a.startedAtMs || (a.id < b.id ? 1 : -1));
}
