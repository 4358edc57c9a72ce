import { hostOf } from '../samplers/nodenames.ts';
import type { TargetReplica } from '../targets/target.ts';

/** Who is concerned by news of a worker: owners of replicas by the node names and hosts of these. */
export interface FleetIndex<Owner> {
  /** These are the owner's replicas now. Costs little where they are the same as before. */
  place(owner: Owner, replicas: readonly Pick<TargetReplica, 'nodename' | 'host'>[]): void;
  /** The owners of the replicas that these workers may be, each once. */
  ownersOf(nodenames: Iterable<string>): ReadonlySet<Owner>;
}

/** An index without anybody in it. */
export function createFleetIndex<Owner>(): FleetIndex<Owner> {
  const ownersBy = new Map<string, readonly Owner[]>();
  const keysOf = new Map<Owner, ReadonlySet<string>>();

  const add = (key: string, owner: Owner): void => void ownersBy.set(key, [...(ownersBy.get(key) ?? []), owner]);
  const remove = (key: string, owner: Owner): void => {
    const left = (ownersBy.get(key) ?? []).filter((other) => other !== owner);
    if (left.length === 0) ownersBy.delete(key);
    else ownersBy.set(key, left);
  };
  return {
    place(owner, replicas) {
      const before = keysOf.get(owner);
      const keys = new Set(replicas.flatMap(keyOf));
      if (before !== undefined && before.size === keys.size && [...keys].every((key) => before.has(key))) return;
      for (const key of before ?? []) if (!keys.has(key)) remove(key, owner);
      for (const key of keys) if (before?.has(key) !== true) add(key, owner);
      keysOf.set(owner, keys);
    },
    ownersOf(nodenames) {
      const found = new Set<Owner>();
      for (const nodename of nodenames) {
        for (const owner of ownersBy.get(`node ${nodename}`) ?? []) found.add(owner);
        for (const owner of ownersBy.get(`host ${hostOf(nodename)}`) ?? []) found.add(owner);
      }
      return found;
    },
  };
}

function keyOf({ nodename, host }: Pick<TargetReplica, 'nodename' | 'host'>): readonly string[] {
  if (nodename !== null) return [`node ${nodename}`];
  return host === null ? [] : [`host ${host}`];
}
