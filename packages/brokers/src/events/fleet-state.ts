// Who is there and what is busy, as worker events tell it. Pure: the time is handed in, every step returns a new state.

/** A decoded event of the `celeryev` exchange; fields come from strangers and are checked here. */
export interface FleetEvent {
  readonly type: string;
  readonly hostname?: unknown;
  readonly [field: string]: unknown;
}

/**
 * What one worker said of itself. A number that it did not state is null: unknown, never zero.
 * Sources: celery/worker/heartbeat.py (`active`, `processed`), celery/worker/state.py (`processed` counts tasks when they begin).
 * Workers of ours state `reserved` and `slots` as well; Python workers do not.
 */
export interface WorkerView {
  /** Node name, for example `celery@web-1`. */
  readonly nodename: string;
  readonly pid: number | null;
  /** `py-celery`, `celeriac`, ... */
  readonly swIdent: string | null;
  readonly swVersion: string | null;
  /** Tasks running at its last event. */
  readonly active: number | null;
  /** Tasks it holds that have not begun; null for Python workers. */
  readonly reserved: number | null;
  /** Tasks begun since the worker started. */
  readonly processed: number | null;
  /** `processed` in the first event we saw of this life: what it had done before we looked. */
  readonly processedAtFirst: number | null;
  /** Its concurrency; null for Python workers. */
  readonly slots: number | null;
  /** Seconds between heartbeats as it announced them; 2 where it did not. */
  readonly heartbeatEveryMs: number;
  /** When its first event of this life arrived here, epoch ms. */
  readonly firstSeenMs: number;
  /** When its latest event arrived here, epoch ms. */
  readonly lastSeenMs: number;
  /** When `worker-offline` arrived; null while it has not. */
  readonly offlineSinceMs: number | null;
}

/** Every worker heard of, by node name. */
export type FleetState = ReadonlyMap<string, WorkerView>;

/** Nobody heard of yet. That is not the same as nobody being there: see {@link presenceOf}. */
export const emptyFleet: FleetState = new Map();

/** Celery's HEARTBEAT_EXPIRE_WINDOW of 200 %: silent from twice the announced interval on (celery/events/state.py). */
const EXPIRY_FACTOR = 2;
const DEFAULT_HEARTBEAT_MS = 2_000;
/** An announced interval beyond this is not believed: it would make a dead worker look alive for hours. */
const LONGEST_HEARTBEAT_MS = 300_000;

/**
 * - `online`: heard of within twice its heartbeat interval.
 * - `silent`: longer ago. It may be dead, cut off, or busy in a pool that cannot send heartbeats while it works (Celery's solo pool):
 *   what it does is unknown, and unknown is never idle.
 * - `offline`: it said goodbye.
 */
export type Presence = 'online' | 'silent' | 'offline';

/** Whether a worker is there, by Celery's expiry rule. */
export function presenceOf(worker: WorkerView, nowMs: number): Presence {
  if (worker.offlineSinceMs !== null) return 'offline';
  return nowMs < worker.lastSeenMs + worker.heartbeatEveryMs * EXPIRY_FACTOR ? 'online' : 'silent';
}

/** One event and the moment it arrived here. */
export interface Arrival {
  readonly event: FleetEvent;
  /** Epoch ms by our clock; the sender's own timestamp is not used. */
  readonly atMs: number;
}

/** The state after one event. Events that are not `worker-*`, or malformed, change nothing. */
export function applyFleetEvent(state: FleetState, event: FleetEvent, nowMs: number): FleetState {
  return applyFleetEvents(state, [{ event, atMs: nowMs }]);
}

/** The state after several events, oldest first; copies the map once, so that thousands of heartbeats a second stay cheap. */
export function applyFleetEvents(state: FleetState, arrivals: readonly Arrival[]): FleetState {
  let next: Map<string, WorkerView> | undefined;
  for (const { event, atMs } of arrivals) {
    const nodename = workerOf(event);
    if (nodename === null) continue;
    next ??= new Map(state);
    next.set(nodename, workerAfter(next.get(nodename), nodename, event, atMs));
  }
  return next ?? state;
}

/** The worker that an event tells of; null for events that are not `worker-*`, or malformed. */
export function workerOf(event: FleetEvent): string | null {
  const nodename = event.hostname;
  if (typeof nodename !== 'string' || nodename === '' || nodename.length > 255) return null;
  return event.type === 'worker-online' || event.type === 'worker-heartbeat' || event.type === 'worker-offline' ? nodename : null;
}

/** The state without workers that went offline or fell silent more than `retentionMs` ago. */
export function forgetWorkers(state: FleetState, nowMs: number, retentionMs: number): FleetState {
  const kept = [...state].filter(([, worker]) => nowMs - (worker.offlineSinceMs ?? worker.lastSeenMs) <= retentionMs);
  return kept.length === state.size ? state : new Map(kept);
}

/** One worker after an event of {@link workerOf} it; `before` is undefined for one not heard of yet. */
export function workerAfter(before: WorkerView | undefined, nodename: string, event: FleetEvent, nowMs: number): WorkerView {
  const pid = count(event.pid) ?? before?.pid ?? null;
  const processed = count(event.processed);
  if (event.type === 'worker-offline' && before !== undefined) {
    return { ...before, lastSeenMs: nowMs, offlineSinceMs: before.offlineSinceMs ?? nowMs };
  }
  const sameLife =
    before !== undefined &&
    before.offlineSinceMs === null &&
    event.type !== 'worker-online' &&
    before.pid === pid &&
    (processed === null || before.processed === null || processed >= before.processed);
  const known = sameLife ? before : undefined;
  return {
    nodename,
    pid,
    swIdent: text(event.sw_ident) ?? before?.swIdent ?? null,
    swVersion: text(event.sw_ver) ?? before?.swVersion ?? null,
    // The answer to a remote `heartbeat` request carries no numbers: those of before then say what was, not what is.
    active: count(event.active),
    reserved: count(event.reserved),
    processed: processed ?? known?.processed ?? null,
    processedAtFirst: known?.processedAtFirst ?? processed,
    slots: count(event.slots) ?? known?.slots ?? null,
    heartbeatEveryMs: intervalMs(event.freq) ?? known?.heartbeatEveryMs ?? DEFAULT_HEARTBEAT_MS,
    firstSeenMs: known?.firstSeenMs ?? nowMs,
    lastSeenMs: nowMs,
    offlineSinceMs: event.type === 'worker-offline' ? nowMs : null,
  };
}

function count(value: unknown): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null;
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value.length <= 255 ? value : null;
}

function intervalMs(seconds: unknown): number | null {
  if (typeof seconds !== 'number' || !(seconds > 0)) return null;
  return Math.min(seconds * 1_000, LONGEST_HEARTBEAT_MS);
}
