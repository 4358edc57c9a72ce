import type { SlimContainer, SlimPod } from '../../kubernetes/slim.ts';
import { isActive, restartsOf } from './pod-facts.ts';

/** Why a pod will not come up by itself. */
export interface StuckSeen {
  /** Kubernetes' word, or `NoHeartbeat` for a pod that runs and is not heard of. */
  readonly reason: string;
  /** For people. */
  readonly text: string;
}

/** What the judgement rests on beside the pod. */
export interface StuckContext {
  readonly nowMs: number;
  /** When what runs in it now began, epoch ms. */
  readonly lifeSinceMs: number;
  /** When its worker was last known to be up, epoch ms; null for never in this life. */
  readonly heardAtMs: number | null;
  /** How long a container that runs may take to be heard of, ms. */
  readonly startTimeoutMs: number;
  /** How long a pod may wait for a node or for its containers to be created, ms. */
  readonly provisionTimeoutMs: number;
}

/** A worker heard of this lately is up, whatever other containers of its pod do, ms. */
const HEARD_MS = 15_000;
const RESTARTS = 3;

const IMAGE = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'InvalidImageName',
  'ErrImageNeverPull',
  'ImageInspectError',
  'RegistryUnavailable',
]);
const CONFIG = new Set([
  'CreateContainerConfigError',
  'CreateContainerError',
  'RunContainerError',
  'PreCreateHookError',
  'PreStartHookError',
  'PostStartHookError',
]);

/** Why a pod is neither capacity nor on its way to be; null where it is. A pod told to go, or ended, is not asked about. Pure. */
export function stuckOf(pod: SlimPod, context: StuckContext): StuckSeen | null {
  const { nowMs, heardAtMs } = context;
  if (!isActive(pod) || (heardAtMs !== null && nowMs - heardAtMs < HEARD_MS)) return null;
  return waitsForNode(pod, context) ?? cannotStart(pod) ?? restarts(pod) ?? takesTooLong(pod, context);
}

/** Why a pod that was told to go is still there though its grace ended a minute ago; null for no such thing. Pure. */
export function overdueOf(pod: SlimPod, nowMs: number): StuckSeen | null {
  if (pod.deletionAtMs === null || nowMs < pod.deletionAtMs + 60_000) return null;
  const lateMs = nowMs - pod.deletionAtMs;
  return { reason: 'Terminating', text: `still there ${seconds(lateMs)} after its grace period ended` };
}

function waitsForNode(pod: SlimPod, { nowMs, lifeSinceMs, provisionTimeoutMs }: StuckContext): StuckSeen | null {
  const scheduled = pod.podScheduled;
  if (pod.nodeName !== null || scheduled?.status !== 'False') return null;
  if (nowMs - lifeSinceMs < provisionTimeoutMs) return null;
  const reason = scheduled.reason ?? 'Unschedulable';
  return { reason, text: `no node for it in ${seconds(provisionTimeoutMs)}${after(scheduled.message)}` };
}

function cannotStart(pod: SlimPod): StuckSeen | null {
  for (const { name, waitingReason: reason, waitingMessage } of pod.containers) {
    if (reason === null) continue;
    // The kubelet only paces its pulls: the next one may well succeed.
    if (IMAGE.has(reason) && !(waitingMessage ?? '').includes('pull QPS exceeded')) {
      return { reason, text: `container ${name} has no image${after(waitingMessage)}` };
    }
    if (CONFIG.has(reason)) return { reason, text: `container ${name} cannot be started${after(waitingMessage)}` };
  }
  return null;
}

function restarts(pod: SlimPod): StuckSeen | null {
  const crashing = pod.containers.find((container) => container.waitingReason === 'CrashLoopBackOff');
  const often = restartsOf(pod) >= RESTARTS ? pod.containers.find((one) => !one.init && one.restarts > 0) : undefined;
  const container = crashing ?? often;
  if (container === undefined) return null;
  return { reason: 'CrashLoopBackOff', text: `container ${container.name} was restarted ${times(container.restarts)}${ended(container)}` };
}

function takesTooLong(pod: SlimPod, context: StuckContext): StuckSeen | null {
  const { nowMs, lifeSinceMs, heardAtMs, startTimeoutMs, provisionTimeoutMs } = context;
  const forMs = nowMs - lifeSinceMs;
  if (pod.phase === 'Running') {
    if (heardAtMs !== null || forMs < startTimeoutMs) return null;
    return { reason: 'NoHeartbeat', text: `it runs, but its worker was not heard of within ${seconds(startTimeoutMs)}` };
  }
  if (pod.nodeName === null || forMs < provisionTimeoutMs) return null;
  const reason = pod.containers.find((container) => container.waitingReason !== null)?.waitingReason ?? pod.phase;
  return { reason, text: `it is not running ${seconds(forMs)} after it was made` };
}

function ended({ lastExitCode, lastTerminatedReason }: SlimContainer): string {
  if (lastExitCode === null) return '';
  return `, it last ended with exit code ${lastExitCode}${lastTerminatedReason === null ? '' : ` (${lastTerminatedReason})`}`;
}

function after(message: string | null): string {
  return message === null || message === '' ? '' : `: ${message.length > 300 ? `${message.slice(0, 300)}…` : message}`;
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1_000)} s`;
}
