import type { FleetEvent } from '@celeriac/brokers';

/** What is shown of a host: its workers, however many there are. A host whose workers all said goodbye is not shown. */
export interface HostSeen {
  /** 1 while one of them is heard of; 0 where none is and one fell silent. */
  readonly up: 0 | 1;
  /** Tasks running in all of them; null before the first heartbeat. */
  readonly active: number | null;
}

/** Which workers are there, by host. */
export interface Hosts {
  /** Takes a `worker-*` event. False for one more worker than is kept. */
  take(event: FleetEvent, label: string, nowMs: number): boolean;
  /** An event of a task came from this host: its series are still wanted. */
  touch(label: string, nowMs: number): void;
  /** Time has passed. Hosts whose series are to be removed. */
  sweep(nowMs: number): readonly string[];
  /** By label. */
  look(): ReadonlyMap<string, HostSeen>;
  /** Workers that are there. */
  readonly online: number;
}

interface Node {
  readonly label: string;
  readonly lastSeenMs: number;
  readonly active: number | null;
  state: 'here' | 'gone' | 'silent';
}

/** celery-exporter's `--worker-timeout` and `--purge-offline-worker-metrics`. */
const SILENT_MS = 300_000;
const PURGE_MS = 600_000;
/** Clients, and workers without heartbeats, may have nothing to say for long. */
const QUIET_MS = 3_600_000;
const MOST_NODES = 20_000;

/**
 * A worker that falls silent is down after five minutes, and its series are removed after ten, as celery-exporter does. One that says
 * goodbye is not down, it is gone: `celery_worker_up` goes with it, because a fleet that is scaled to zero has nothing wrong with it.
 * Times are those of arrival, not the senders'.
 */
export function createHosts(): Hosts {
  const nodes = new Map<string, Node>();
  const lastSeenMs = new Map<string, number>();
  const beating = new Set<string>();
  const touch = (label: string, nowMs: number): void => {
    if (lastSeenMs.size < MOST_NODES || lastSeenMs.has(label)) lastSeenMs.set(label, nowMs);
  };

  return {
    take(event, label, nowMs) {
      const nodename = String(event.hostname);
      const known = nodes.get(nodename);
      touch(label, nowMs);
      if (event.type === 'worker-offline') {
        if (known !== undefined) known.state = 'gone';
        return true;
      }
      if (known === undefined && nodes.size >= MOST_NODES) return false;
      beating.add(label);
      const before = known?.state === 'here' ? known.active : null;
      nodes.set(nodename, { label, lastSeenMs: nowMs, active: activeAfter(before, event), state: 'here' });
      return true;
    },
    touch,
    sweep(nowMs) {
      for (const [nodename, node] of nodes) {
        const silentMs = nowMs - node.lastSeenMs;
        if (silentMs > PURGE_MS) nodes.delete(nodename);
        else if (silentMs > SILENT_MS && node.state === 'here') nodes.set(nodename, { ...node, active: 0, state: 'silent' });
      }
      const left: string[] = [];
      for (const [label, sinceMs] of lastSeenMs) {
        if (nowMs - sinceMs <= (beating.has(label) ? PURGE_MS : QUIET_MS)) continue;
        lastSeenMs.delete(label);
        beating.delete(label);
        left.push(label);
      }
      return left;
    },
    look() {
      const seen = new Map<string, { up: 0 | 1; active: number | null }>();
      for (const { label, state, active } of nodes.values()) {
        if (state === 'gone') continue;
        const host = seen.get(label) ?? { up: 0, active: null };
        if (state === 'here') host.up = 1;
        if (active !== null) host.active = (host.active ?? 0) + active;
        seen.set(label, host);
      }
      return seen;
    },
    get online() {
      let count = 0;
      for (const { state } of nodes.values()) if (state === 'here') count += 1;
      return count;
    },
  };
}

/** Only heartbeats tell; one that was asked for carries no number. */
function activeAfter(before: number | null, event: FleetEvent): number | null {
  if (event.type !== 'worker-heartbeat') return before;
  return typeof event.active === 'number' && event.active >= 0 ? event.active : (before ?? 0);
}
