// The status of a pod as a kubelet of Kubernetes 1.34 reports it: pure. The shapes are those that `kubectl get pod -o json` showed of a real
// one for pods that run, crash, cannot be started, and end within and after their grace.

import type { Pod } from './pod.ts';

export interface TerminatedState {
  readonly exitCode: number;
  readonly reason: string;
  readonly message?: string;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  readonly containerID?: string;
}

export interface ContainerState {
  readonly waiting?: { readonly reason: string; readonly message?: string };
  readonly running?: { readonly startedAt: string };
  readonly terminated?: TerminatedState;
}

export interface ContainerStatus {
  readonly name: string;
  readonly image: string;
  readonly imageID: string;
  readonly containerID?: string;
  readonly ready: boolean;
  readonly started: boolean;
  readonly restartCount: number;
  readonly state: ContainerState;
  readonly lastState: ContainerState;
}

export interface PodCondition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  /** `null` takes an earlier one away in a patch. */
  readonly reason?: string | null;
  readonly message?: string | null;
  readonly lastProbeTime: null;
  readonly lastTransitionTime: string;
  readonly observedGeneration?: number;
}

export type PodPhase = 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Unknown';

export interface PodStatus {
  readonly phase?: PodPhase;
  readonly conditions?: readonly PodCondition[];
  readonly containerStatuses?: readonly ContainerStatus[];
  readonly podIP?: string;
  readonly startTime?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly [field: string]: unknown;
}

export interface PodView {
  readonly pod: Pod;
  readonly containers: readonly ContainerStatus[];
  /** Whether the pod's own network is there: before its containers, until its end. */
  readonly sandbox: boolean;
  readonly podIP: string;
  readonly hostIP: string;
  readonly startTime: string;
  /** All containers have ended and none starts again. */
  readonly over: boolean;
  /** The conditions of the status before this one, for the times of their last transitions. */
  readonly before: readonly PodCondition[];
}

export const LOST_CONTAINER: TerminatedState = {
  exitCode: 137,
  reason: 'ContainerStatusUnknown',
  message: 'The container could not be located when the pod was terminated',
  startedAt: null,
  finishedAt: null,
};

/** Seconds, as Kubernetes writes times. */
export function kubeTime(epochMs: number): string {
  return new Date(epochMs).toISOString().replace(/\.\d+Z$/, 'Z');
}

export function podStatus(view: PodView, nowMs: number): PodStatus {
  const phase = phaseOf(view);
  const generation = view.pod.metadata.generation;
  const observed = generation === undefined ? {} : { observedGeneration: generation };
  const ip = view.sandbox || view.over ? { podIP: view.podIP, podIPs: [{ ip: view.podIP }] } : {};
  return {
    phase,
    ...observed,
    conditions: conditionsOf(view, phase).map((wanted) => settled(wanted, view.before, nowMs, generation)),
    containerStatuses: view.containers,
    hostIP: view.hostIP,
    hostIPs: [{ ip: view.hostIP }],
    ...ip,
    startTime: view.startTime,
  };
}

type WantedCondition = Pick<PodCondition, 'type' | 'status'> & { readonly reason?: string; readonly message?: string };

function phaseOf(view: PodView): PodPhase {
  if (!view.over) return view.containers.some((one) => one.state.running ?? one.restartCount + endings(one)) ? 'Running' : 'Pending';
  return view.containers.every((one) => one.state.terminated?.exitCode === 0) ? 'Succeeded' : 'Failed';
}

function endings(container: ContainerStatus): number {
  return container.state.terminated === undefined && container.lastState.terminated === undefined ? 0 : 1;
}

function conditionsOf(view: PodView, phase: PodPhase): readonly WantedCondition[] {
  const ran = view.containers.some((one) => (one.state.terminated ?? one.lastState.terminated)?.startedAt != null);
  const unready = view.containers.filter((one) => !one.ready).map((one) => one.name);
  const notReady = {
    status: 'False',
    reason: 'ContainersNotReady',
    message: `containers with unready status: [${unready.join(' ')}]`,
  } as const;
  let ready: Omit<WantedCondition, 'type'> = unready.length === 0 ? { status: 'True' } : notReady;
  if (phase === 'Succeeded') ready = { status: 'False', reason: 'PodCompleted' };
  else if (phase === 'Failed' && ran) ready = { status: 'False', reason: 'PodFailed' };
  return [
    { type: 'PodReadyToStartContainers', status: view.sandbox && !view.over ? 'True' : 'False' },
    { type: 'Initialized', status: 'True', ...(phase === 'Succeeded' ? { reason: 'PodCompleted' } : {}) },
    { type: 'Ready', ...ready },
    { type: 'ContainersReady', ...ready },
    { type: 'PodScheduled', status: 'True' },
  ];
}

function settled(wanted: WantedCondition, before: readonly PodCondition[], nowMs: number, generation: number | undefined): PodCondition {
  const last = before.find((one) => one.type === wanted.type);
  return {
    type: wanted.type,
    status: wanted.status,
    reason: wanted.reason ?? null,
    message: wanted.message ?? null,
    lastProbeTime: null,
    lastTransitionTime: last?.status === wanted.status ? last.lastTransitionTime : kubeTime(nowMs),
    ...(generation === undefined ? {} : { observedGeneration: generation }),
  };
}
