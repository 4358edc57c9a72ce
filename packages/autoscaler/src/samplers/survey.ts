import { type FleetState, presenceOf, type WorkerView } from '@celeriac/brokers';
import type { ReplicaSeen } from '../decide/seen.ts';
import type { TargetReplica } from '../targets/target.ts';
import { reading, type Sample, unavailable } from '../window/sample.ts';
import { nodenamesOf } from './nodenames.ts';

/** What a worker answered when asked what it holds. */
export interface Inspection {
  /** When it was asked, epoch ms: the answer is no older. */
  readonly atMs: number;
  readonly active: number;
  readonly reserved: number;
  readonly scheduled: number;
}

/** What the survey joins. */
export interface SurveyInput {
  readonly replicas: readonly TargetReplica[];
  readonly fleet: FleetState;
  /** By node name. */
  readonly inspections: ReadonlyMap<string, Inspection>;
  /** Concurrency learnt by asking, by node name. */
  readonly slots: ReadonlyMap<string, number>;
  /** Ids of replicas that take nothing more. */
  readonly cordoned: ReadonlySet<string>;
}

/** How long an answer stands for a worker whose heartbeats do not carry it, ms. */
export const INSPECTION_MS = 10_000;

/** Joins what the target says of its replicas with what their workers say of themselves. Pure. */
export function survey(nowMs: number, input: SurveyInput): readonly ReplicaSeen[] {
  const nodenames = nodenamesOf(input.replicas, input.fleet);
  return input.replicas.map((seen) => {
    const names = nodenames.get(seen.id) ?? [];
    if (names.length > 1) return severalIn(seen, names, input);
    const replica = { ...seen, nodename: names[0] ?? null };
    const heard = replica.nodename === null ? undefined : input.fleet.get(replica.nodename);
    // A worker of the same name that was heard of before this replica began is another one.
    const worker = heard !== undefined && heard.lastSeenMs >= replica.startedAtMs ? heard : undefined;
    const inspection = replica.nodename === null ? undefined : input.inspections.get(replica.nodename);
    const load = loadOf(nowMs, worker, inspection, replica);
    return {
      id: replica.id,
      nodename: replica.nodename,
      phase: phaseOf(replica, worker),
      why: replica.why,
      startedAtMs: replica.startedAtMs,
      onlineAtMs: worker?.firstSeenMs ?? null,
      slots: worker?.slots ?? (replica.nodename === null ? undefined : input.slots.get(replica.nodename)) ?? null,
      ...load,
      processed: worker?.processed ?? null,
      processedAtFirst: worker?.processedAtFirst ?? null,
      cordoned: input.cordoned.has(replica.id),
      empty: replica.empty && load.active.kind === 'unavailable',
      probe: replica.probe,
    };
  });
}

/** Several workers name its host: none of them can be asked for all of it, so it is taken for busy. */
function severalIn(replica: TargetReplica, names: readonly string[], { fleet, cordoned }: SurveyInput): ReplicaSeen {
  const workers = names.flatMap((name) => fleet.get(name) ?? []);
  const sinceMs = Math.min(...workers.map((worker) => worker.firstSeenMs));
  const unsure = unavailable(`${names.length} workers in it: ${names.join(', ')}`, sinceMs);
  return {
    id: replica.id,
    nodename: null,
    phase: replica.phase === 'running' ? 'ready' : replica.phase,
    why: replica.why,
    startedAtMs: replica.startedAtMs,
    onlineAtMs: sinceMs,
    slots: null,
    active: unsure,
    reserved: unsure,
    scheduled: unsure,
    processed: null,
    processedAtFirst: null,
    cordoned: cordoned.has(replica.id),
    empty: false,
    probe: false,
  };
}

function phaseOf(replica: TargetReplica, worker: WorkerView | undefined): ReplicaSeen['phase'] {
  if (replica.phase !== 'running') return replica.phase;
  if (worker === undefined) return 'starting';
  return worker.offlineSinceMs === null ? 'ready' : 'leaving';
}

function loadOf(
  nowMs: number,
  worker: WorkerView | undefined,
  inspection: Inspection | undefined,
  replica: TargetReplica,
): Pick<ReplicaSeen, 'active' | 'reserved' | 'scheduled'> {
  if (worker === undefined) {
    const none = unavailable('not heard of yet', replica.startedAtMs);
    return { active: none, reserved: none, scheduled: none };
  }
  if (presenceOf(worker, nowMs) !== 'online') {
    const silent = unavailable('no heartbeat in time: dead, cut off, or too busy to send one', worker.lastSeenMs);
    return { active: silent, reserved: silent, scheduled: silent };
  }
  const active: Sample =
    worker.active === null ? unavailable('not in its heartbeat', worker.lastSeenMs) : reading(worker.active, worker.lastSeenMs);
  if (worker.reserved !== null) {
    // Workers of ours park what is for later at the broker, and count what they hold for a moment as reserved.
    return { active, reserved: reading(worker.reserved, worker.lastSeenMs), scheduled: reading(0, worker.lastSeenMs) };
  }
  if (inspection === undefined || nowMs - inspection.atMs > INSPECTION_MS) {
    const unasked = unavailable('not in its heartbeat, not asked lately', inspection?.atMs ?? worker.firstSeenMs);
    return { active, reserved: unasked, scheduled: unasked };
  }
  return { active, reserved: reading(inspection.reserved, inspection.atMs), scheduled: reading(inspection.scheduled, inspection.atMs) };
}
