import type { SlimCondition, SlimDeployment, SlimPod, SlimReplicaSet } from '../../kubernetes/slim.ts';
import type { TargetReplica } from '../target.ts';
import { isActive, restartsOf, runsNothing } from './pod-facts.ts';
import { rolloutOf } from './shrink-hold.ts';
import { overdueOf, type StuckSeen, stuckOf } from './stuck.ts';

/** What a Deployment's replicas are made of. */
export interface ReplicasInput {
  readonly nowMs: number;
  readonly deployment: SlimDeployment;
  readonly replicaSets: readonly SlimReplicaSet[];
  readonly pods: readonly SlimPod[];
  /** Pods wanted: the Deployment's own number, or one written a moment ago that is not seen there yet. */
  readonly wanted: number;
  /** When pods were asked for by us, epoch ms, oldest first. */
  readonly asks: readonly number[];
  /** Lives of pods by uid, see {@link livesAfter}. */
  readonly lives: ReadonlyMap<string, PodLife>;
  /** Pods that are to go by a shrink that was written, by uid; the controller has not yet come to it. */
  readonly going: ReadonlySet<string>;
  /** When a pod's worker was last known to be up, by uid, epoch ms. */
  readonly heardAtMs: ReadonlyMap<string, number>;
  readonly startTimeoutMs: number;
  readonly provisionTimeoutMs: number;
}

/** What runs in a pod now: its containers may be restarted in place. */
export interface PodLife {
  readonly restarts: number;
  readonly sinceMs: number;
  /** Since when it has been stuck without a break, epoch ms; null where it is not. */
  readonly stuckSinceMs: number | null;
}

/** A Deployment's replicas and what is wrong with those that do not come up. */
export interface ReplicasOf {
  readonly replicas: readonly TargetReplica[];
  /** The oldest first. */
  readonly stuck: readonly (StuckSeen & { readonly pod: string })[];
  /** Pods long told to go. */
  readonly overdue: readonly (StuckSeen & { readonly pod: string })[];
  /** Pods wanted that are not there. */
  readonly missing: number;
  /** Why the ReplicaSet controller could not make them; null where it has not said so. */
  readonly refusal: string | null;
  /** The controller has noted that, or has not yet taken back that it could not before. */
  readonly refusalNoted: boolean;
}

/** The controller tries to make pods within this time of our asking, and notes that it could not, ms. */
const NOTED_MS = 2_000;
/** A pod made within this time of our asking is one of those we asked for, ms. */
const ASKED_MS = 60_000;
/** Creation times are whole seconds, cut off. */
const SECOND_MS = 1_000;
/** A stuck pod is given up after this time: registries hiccup, ms. */
const GIVE_UP_MS = 30_000;

/**
 * The replicas of a Deployment as its objects show them. Ready, starting and stuck ones together are as many as are wanted, except in a
 * rollout: pods not made yet stand in as replicas of their own. Pure.
 */
export function replicasOf(input: ReplicasInput): ReplicasOf {
  const { nowMs, deployment, pods, wanted } = input;
  const present = pods.filter((pod) => pod.deletionAtMs !== null || isActive(pod)).toSorted((a, b) => a.createdAtMs - b.createdAtMs);
  const stuck: (StuckSeen & { readonly pod: string })[] = [];
  const overdue: (StuckSeen & { readonly pod: string })[] = [];
  const replicas = present.map((pod): TargetReplica => {
    const late = overdueOf(pod, nowMs);
    if (late !== null) overdue.push({ ...late, pod: pod.name });
    const trouble = judge(input, pod, input.lives.get(pod.uid)?.sinceMs ?? pod.createdAtMs);
    if (trouble !== null) stuck.push({ ...trouble, pod: pod.name });
    return replicaOf(input, pod, late ?? trouble, stuck.length === 1);
  });
  const missing = Math.max(0, wanted - pods.filter(isActive).length);
  const noted = refusalOf(input);
  const refusal = missing > 0 && noted !== null && isOfNow(input, noted) ? (noted.message ?? 'pods cannot be made') : null;
  const all = [...replicas, ...phantoms(deployment, missing, refusal, input)];
  // In a rollout nobody can say whom a shrink would take, so that none is free to go.
  const free = rolloutOf(input) === null ? all : all.map((replica) => ({ ...replica, empty: false }));
  return { replicas: free, stuck, overdue, missing, refusal, refusalNoted: noted !== null };
}

/**
 * What runs in each pod and since when, by our clock: Kubernetes' own may be another, but what was not there at the last look was made
 * since. Pure.
 * @param lookedAtMs the last look, epoch ms; null for none
 */
export function livesAfter(
  lives: ReadonlyMap<string, PodLife>,
  input: Omit<ReplicasInput, 'lives'>,
  lookedAtMs: number | null = null,
): ReadonlyMap<string, PodLife> {
  const inOurTime = (atMs: number): number => Math.min(input.nowMs, Math.max(lookedAtMs ?? Number.NEGATIVE_INFINITY, atMs));
  return new Map(
    input.pods.map((pod): [string, PodLife] => {
      const before = lives.get(pod.uid);
      const restarts = restartsOf(pod);
      const sinceMs =
        before === undefined ? inOurTime(firstSince(pod, restarts)) : before.restarts === restarts ? before.sinceMs : input.nowMs;
      const isStuck = judge(input, pod, sinceMs) !== null;
      return [pod.uid, { restarts, sinceMs, stuckSinceMs: isStuck ? (before?.stuckSinceMs ?? input.nowMs) : null }];
    }),
  );
}

function firstSince(pod: SlimPod, restarts: number): number {
  return restarts > 0 && pod.ready && pod.readySinceMs !== null ? pod.readySinceMs : pod.createdAtMs;
}

function judge(input: Omit<ReplicasInput, 'lives'>, pod: SlimPod, lifeSinceMs: number): StuckSeen | null {
  const { nowMs, heardAtMs, startTimeoutMs, provisionTimeoutMs } = input;
  const heard = heardAtMs.get(pod.uid);
  const inThisLife = heard !== undefined && heard >= lifeSinceMs ? heard : null;
  return stuckOf(pod, { nowMs, lifeSinceMs, heardAtMs: inThisLife, startTimeoutMs, provisionTimeoutMs });
}

function replicaOf(input: ReplicasInput, pod: SlimPod, trouble: StuckSeen | null, probe: boolean): TargetReplica {
  const leaving = pod.deletionAtMs !== null || input.going.has(pod.uid);
  const life = input.lives.get(pod.uid);
  const isStuck = !leaving && trouble !== null;
  const givenUp = isStuck && life?.stuckSinceMs != null && input.nowMs - life.stuckSinceMs >= GIVE_UP_MS;
  return {
    id: pod.name,
    nodename: null,
    host: pod.hostname,
    phase: leaving ? 'leaving' : isStuck ? 'stuck' : 'running',
    why: trouble === null ? (leaving ? null : waitingFor(pod)) : `${trouble.reason}: ${trouble.text}`,
    pid: null,
    startedAtMs: life !== undefined && life.restarts > 0 ? life.sinceMs : askedAt(input.asks, life?.sinceMs ?? pod.createdAtMs),
    empty: !leaving && runsNothing(pod) && (givenUp || (!isStuck && pod.nodeName === null)),
    probe: isStuck && probe,
  };
}

function waitingFor(pod: SlimPod): string | null {
  if (pod.nodeName !== null || pod.podScheduled?.status !== 'False') return null;
  return `${pod.podScheduled.reason ?? 'Unschedulable'}: ${pod.podScheduled.message ?? 'no node for it yet'}`;
}

/** When we asked for it, where that can be told, else when it was made. */
function askedAt(asks: readonly number[], madeAtMs: number): number {
  const asked = asks.findLast((atMs) => atMs < madeAtMs + SECOND_MS);
  return asked !== undefined && madeAtMs - asked < ASKED_MS ? asked : madeAtMs;
}

/** What the API server said when a pod could not be made, as the controller last noted it; null where it noted nothing. */
function refusalOf({ replicaSets, deployment }: ReplicasInput): SlimCondition | null {
  const failing = replicaSets.find((set) => set.replicaFailure?.status === 'True' && set.replicas > 0)?.replicaFailure;
  const condition = failing ?? (deployment.replicaFailure?.status === 'True' ? deployment.replicaFailure : null);
  return condition?.reason === 'FailedCreate' ? condition : null;
}

/** Whether it says so of what was asked for last, and not of something before that the controller has not yet looked at again. */
function isOfNow({ nowMs, asks }: ReplicasInput, refusal: SlimCondition): boolean {
  const asked = asks.at(-1);
  if (asked === undefined || nowMs - asked >= NOTED_MS) return true;
  return refusal.sinceMs !== null && refusal.sinceMs + SECOND_MS > asked;
}

function phantoms(
  deployment: SlimDeployment,
  missing: number,
  refusal: string | null,
  { nowMs, asks }: ReplicasInput,
): readonly TargetReplica[] {
  return Array.from({ length: missing }, (_, index) => ({
    id: `${deployment.name} (asked for, ${index + 1})`,
    nodename: null,
    host: null,
    phase: refusal === null ? 'running' : 'stuck',
    why: refusal === null ? 'not made yet' : `FailedCreate: ${refusal}`,
    pid: null,
    startedAtMs: asks.at(-1) ?? nowMs,
    empty: true,
    probe: false,
  }));
}
