import type { FleetState } from '@celeriac/brokers';
import type { TargetReplica } from '../targets/target.ts';

const byHostOf = new WeakMap<FleetState, ReadonlyMap<string, readonly string[]>>();

/**
 * The node name of each replica's worker, by replica id: what the target knows, else the one worker that names the replica's host behind
 * its `@`. Absent where there is none or more than one: nothing is guessed. Pure.
 */
export function nodenamesOf(replicas: readonly TargetReplica[], fleet: FleetState): ReadonlyMap<string, string> {
  const byHost = hosts(fleet);
  return new Map(
    replicas.flatMap(({ id, nodename, host, startedAtMs }): [string, string][] => {
      if (nodename !== null) return [[id, nodename]];
      if (host === null) return [];
      const alive = (byHost.get(host) ?? []).filter((name) => (fleet.get(name)?.lastSeenMs ?? 0) >= startedAtMs);
      const [only] = alive;
      return alive.length === 1 && only !== undefined ? [[id, only]] : [];
    }),
  );
}

function hosts(fleet: FleetState): ReadonlyMap<string, readonly string[]> {
  const known = byHostOf.get(fleet);
  if (known !== undefined) return known;
  const made = new Map<string, string[]>();
  for (const nodename of fleet.keys()) {
    const host = nodename.slice(nodename.lastIndexOf('@') + 1).split('.', 1)[0] ?? '';
    const names = made.get(host);
    if (names === undefined) made.set(host, [nodename]);
    else names.push(nodename);
  }
  byHostOf.set(fleet, made);
  return made;
}
