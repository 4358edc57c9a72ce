import type { Cancel } from './clock.ts';
import type { SimulatedTask } from './task-queue.ts';

/** What a worker's last heartbeat said. */
export interface Beat {
  readonly atMs: number;
  readonly active: number;
  readonly reserved: number;
  /** Tasks begun in its life. */
  readonly begun: number;
}

/** A task under way. */
export interface Run {
  readonly task: SimulatedTask;
  readonly cancel: Cancel;
}

/** One simulated pod with a worker in it. */
export interface SimulatedPod {
  readonly id: string;
  readonly askedMs: number;
  /** When its worker comes up. */
  readonly upMs: number;
  phase: 'starting' | 'up' | 'leaving' | 'gone';
  /** Told to take nothing more. */
  cordoned: boolean;
  readonly running: Set<Run>;
  readonly reserved: SimulatedTask[];
  begun: number;
  /** When what it holds last changed, and the last heartbeat before. */
  changedMs: number;
  beat: Beat;
  cancelDeadline: Cancel | null;
}

/** Every worker's heartbeat, ms: Celery's and ours. */
const HEARTBEAT_MS = 2_000;

export function createPod(id: string, askedMs: number, upMs: number): SimulatedPod {
  return {
    id,
    askedMs,
    upMs,
    phase: 'starting',
    cordoned: false,
    running: new Set(),
    reserved: [],
    begun: 0,
    changedMs: upMs - 1,
    beat: { atMs: upMs, active: 0, reserved: 0, begun: 0 },
    cancelDeadline: null,
  };
}

/** Must be called before what a pod holds changes: keeps what its last heartbeat said. */
export function beforeChange(pod: SimulatedPod, nowMs: number): void {
  pod.beat = lastBeat(pod, nowMs);
  pod.changedMs = nowMs;
}

/** What the last heartbeat of a pod that is up said. */
export function lastBeat(pod: SimulatedPod, nowMs: number): Beat {
  const atMs = pod.upMs + Math.floor((nowMs - pod.upMs) / HEARTBEAT_MS) * HEARTBEAT_MS;
  if (atMs <= pod.changedMs) return pod.beat;
  return { atMs, active: pod.running.size, reserved: pod.reserved.length, begun: pod.begun };
}

/** Whether a heartbeat behind its first has told all that it holds, and that since `sinceMs`. */
export function isHeard(pod: SimulatedPod, nowMs: number, sinceMs: number): boolean {
  return lastBeat(pod, nowMs).atMs > Math.max(pod.changedMs, pod.upMs, sinceMs);
}
