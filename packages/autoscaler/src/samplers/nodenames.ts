import type { FleetState, WorkerView } from '@celeriac/brokers';
import type { TargetReplica } from '../targets/target.ts';

const byHostOf = new WeakMap<FleetState, ReadonlyMap<string, readonly string[]>>();
const hostsByName = new Map<string, string>();
const HOSTS_KEPT = 100_000;

/**
 * The node names of each replica's workers, by replica id: what the target knows, else those that name the replica's host behind their
 * last `@` (with or without its domain) and were heard of in this life of the replica. None where there is no such worker; several where
 * it cannot be told which is meant: nothing is guessed. Pure.
 */
export function nodenamesOf(replicas: readonly TargetReplica[], fleet: FleetState): ReadonlyMap<string, readonly string[]> {
  const byHost = replicas.some(({ nodename, host }) => nodename === null && host !== null) ? hosts(fleet) : undefined;
  return new Map(
    replicas.map(({ id, nodename, host, startedAtMs }): [string, readonly string[]] => {
      if (nodename !== null) return [id, [nodename]];
      const workers = host === null ? [] : (byHost?.get(host) ?? []).flatMap((name) => inLife(fleet.get(name), startedAtMs));
      // One that said goodbye, or has long been silent, made room for one that is there.
      const there = workers.filter((worker) => worker.offlineSinceMs === null);
      return [id, (there.length > 0 ? there : workers.slice(-1)).map((worker) => worker.nodename)];
    }),
  );
}

/** The host a node name names: what stands behind its last `@`, without a domain. */
export function hostOf(nodename: string): string {
  const known = hostsByName.get(nodename);
  if (known !== undefined) return known;
  const host = nodename.slice(nodename.lastIndexOf('@') + 1).split('.', 1)[0] ?? '';
  if (hostsByName.size >= HOSTS_KEPT) hostsByName.clear();
  hostsByName.set(nodename, host);
  return host;
}

function inLife(worker: WorkerView | undefined, startedAtMs: number): readonly WorkerView[] {
  return worker !== undefined && worker.lastSeenMs >= startedAtMs ? [worker] : [];
}

function hosts(fleet: FleetState): ReadonlyMap<string, readonly string[]> {
  const known = byHostOf.get(fleet);
  if (known !== undefined) return known;
  const made = new Map<string, string[]>();
  for (const nodename of fleet.keys()) {
    const host = hostOf(nodename);
    const names = made.get(host);
    if (names === undefined) made.set(host, [nodename]);
    else names.push(nodename);
  }
  byHostOf.set(fleet, made);
  return made;
}
