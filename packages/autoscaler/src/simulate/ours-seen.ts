import { noOrders, type PoolSeen, type ReplicaSeen } from '../decide/seen.ts';
import { reading, type Sample, unavailable } from '../window/sample.ts';
import type { Cluster } from './cluster.ts';
import { lastBeat, type SimulatedPod } from './pod.ts';

/** Simulated time 0 as epoch ms: a state that says 0 for never must stay earlier than anything seen. */
export const EPOCH_MS = 1_000_000_000_000;

/**
 * What the autoscaler would see of a simulated cluster: depths as they are, workers as their last heartbeat said.
 * @param atMs simulated ms; nothing has changed since
 */
export function seenOf(cluster: Cluster, atMs: number): PoolSeen {
  const nowMs = EPOCH_MS + atMs;
  return {
    queues: cluster.queues.map((queue) => ({ name: queue.name, ready: reading(queue.length, nowMs) })),
    nextDueMs: reading(null, nowMs),
    replicas: reading(
      cluster.pods.map((pod) => replicaOf(pod, atMs)),
      nowMs,
    ),
    growth: { kind: 'open' },
    orders: noOrders,
    schedule: null,
    grant: null,
    hold: null,
  };
}

function replicaOf(pod: SimulatedPod, nowMs: number): ReplicaSeen {
  const startedAtMs = EPOCH_MS + pod.askedMs;
  const whole = { id: pod.id, nodename: pod.id, why: null, startedAtMs, processedAtFirst: 0, cordoned: pod.cordoned };
  if (pod.phase === 'starting') {
    const none = unavailable('not heard of yet', startedAtMs);
    return { ...whole, phase: 'starting', onlineAtMs: null, slots: null, active: none, reserved: none, scheduled: none, processed: null };
  }
  const beat = lastBeat(pod, nowMs);
  const said = (value: number): Sample => reading(value, EPOCH_MS + beat.atMs);
  return {
    ...whole,
    phase: pod.phase === 'leaving' ? 'leaving' : 'ready',
    onlineAtMs: EPOCH_MS + pod.upMs,
    slots: null,
    active: said(beat.active),
    reserved: said(beat.reserved),
    scheduled: said(0),
    processed: beat.begun,
  };
}
