import type { DeploymentConfig } from '../../config/pools-config.ts';
import type { GrowthSeen } from '../../decide/seen.ts';
import type { ClusterView } from '../../kubernetes/cluster.ts';
import type { SlimDeployment, SlimPod, SlimReplicaSet } from '../../kubernetes/slim.ts';
import type { TargetReplica, TargetWork } from '../target.ts';
import type { Condition } from './announcer.ts';
import { graceFault } from './grace.ts';
import { growthAfter, growthSeen, noGrowthTrouble } from './growth.ts';
import { type Killed, killedBy } from './killed.ts';
import { nobodyWrote, otherWriter, scaledAtMs, writersAfter } from './other-writers.ts';
import { isActive } from './pod-facts.ts';
import { PodMemory } from './pod-memory.ts';
import { RemovalWatch } from './removal-watch.ts';
import { type ReplicasOf, replicasOf } from './replicas-of.ts';
import type { Rivals } from './rivals.ts';
import { rolloutOf, shrinkHold } from './shrink-hold.ts';

/** A Deployment as it is seen at a moment. */
export interface EyeSeen {
  readonly kind: 'seen';
  readonly deployment: SlimDeployment;
  readonly replicaSets: readonly SlimReplicaSet[];
  readonly pods: readonly SlimPod[];
  /** Pods it wants, by its own word or by a write of ours that it does not show yet. */
  readonly wanted: number;
  /** There are more pods than it wants: the controller has not come to a shrink yet. */
  readonly tooMany: boolean;
  readonly replicas: readonly TargetReplica[];
  readonly growth: GrowthSeen;
  readonly hold: string | null;
  readonly shrinkHold: string | null;
  /** What lasts and people should know. */
  readonly conditions: readonly Condition[];
}

/** Why nothing can be said of it. */
export interface EyeBlind {
  readonly kind: 'unavailable';
  readonly reason: string;
  readonly sinceMs: number;
}

export interface DeploymentEyeOptions {
  readonly config: DeploymentConfig;
  readonly namespace: string;
  readonly view: ClusterView;
  readonly rivals: Rivals;
  readonly onKilled: (killed: Killed) => void;
  readonly onWrongVictim: (pods: readonly string[]) => void;
}

/** A signal older than this is not decided by: watches are quiet for up to a minute where nothing happens, ms. */
const OLDEST_MS = 90_000;
/** A number we wrote shows within this time, or somebody else's has taken its place, ms. */
const SHOWN_MS = 5_000;
/** Moments at which pods were asked for that are kept. */
const ASKS = 20;

/** Looks at one Deployment and remembers what is needed to judge it. */
export class DeploymentEye {
  readonly #options: DeploymentEyeOptions;
  readonly #memory = new PodMemory();
  readonly #removals = new RemovalWatch();
  #growth = noGrowthTrouble;
  #writers = nobodyWrote;
  #scaledAtMs: number | null = null;
  #awaitedLook = 0;
  #asks: readonly number[] = [];
  #zeroSent = false;
  #written: { readonly to: number; readonly generation: number; readonly atMs: number } | null = null;
  #blindSinceMs: number | null = null;
  #last: EyeSeen | null = null;

  constructor(options: DeploymentEyeOptions) {
    this.#options = options;
  }

  /** The last look that showed something. */
  get last(): EyeSeen | null {
    return this.#last;
  }

  get busyAtMs(): ReadonlyMap<string, number> {
    return this.#memory.busyAtMs;
  }

  /** The pods as they are known now, whether or not they may be decided by. */
  pods(): readonly SlimPod[] {
    const { view, namespace, config } = this.#options;
    const deployment = view.deployment(namespace, config.name);
    return deployment === null ? [] : view.podsOf(deployment.uid);
  }

  look(nowMs: number): EyeSeen | EyeBlind {
    const { view, namespace, config } = this.#options;
    const { synced, ageMs, reason } = view.freshness(namespace);
    if (!synced) return this.#blind(nowMs, reason ?? 'the cluster has not been read yet');
    if (ageMs > OLDEST_MS) return this.#blind(nowMs, `nothing was heard of the cluster for ${Math.round(ageMs / 1_000)} s`);
    const deployment = view.deployment(namespace, config.name);
    if (deployment === null) return this.#blind(nowMs, `there is no Deployment ${namespace}/${config.name}`);
    this.#blindSinceMs = null;
    if (this.#last !== null && this.#last.deployment.uid !== deployment.uid) this.#beginAnew();
    this.#last = this.#judge(nowMs, deployment);
    return this.#last;
  }

  /** What the workers do. */
  observe(nowMs: number, work: TargetWork): void {
    this.#memory.observe(nowMs, this.#last?.pods ?? [], work);
  }

  /** `/scale` is about to be written: that may show before it is answered, and a zero does not tell whose it is. */
  writing(to: number): void {
    this.#zeroSent = to === 0;
  }

  /** Another holder of the lease may have written since. */
  takenOver(): void {
    this.#writers = { ...this.#writers, ours: null };
  }

  /** `/scale` was written. */
  wrote(nowMs: number, from: number, to: number): void {
    this.#written = { to, generation: this.#last?.deployment.generation ?? 0, atMs: nowMs };
    this.#writers = { ...this.#writers, ours: { replicas: to, atMs: nowMs } };
    if (to > from) this.#asks = [...this.#asks.slice(1 - ASKS), nowMs];
  }

  /** These pods are to go by a write of ours: say whether it was carried out. */
  removing(pods: readonly SlimPod[]): ReturnType<RemovalWatch['expect']> {
    return this.#removals.expect(pods, this.#last?.pods ?? []);
  }

  /** These pods are gone. */
  ended(nowMs: number, pods: readonly SlimPod[]): void {
    for (const pod of pods) this.#settleEnd(pod, nowMs);
  }

  /** What speaks against growing is forgotten. */
  forgive(): void {
    this.#growth = noGrowthTrouble;
  }

  /** What the Deployment and its pods look like now, as a text to be compared: a change elsewhere in its namespace leaves it as it is. */
  likeness(): string {
    const { view, rivals, namespace, config } = this.#options;
    const deployment = view.deployment(namespace, config.name);
    const pods = deployment === null ? [] : view.podsOf(deployment.uid);
    const sets = deployment === null ? [] : view.replicaSetsOf(deployment.uid);
    const versions = [deployment, ...sets, ...pods].map((object) => object?.resourceVersion);
    const limits = this.#growth.refused === null ? '' : this.#limits();
    return `${view.freshness(namespace).synced} ${versions.join(' ')} ${limits} ${JSON.stringify(rivals.seen)}`;
  }

  #limits(): string {
    return JSON.stringify(this.#options.view.quotas(this.#options.namespace).map(({ name, hard }) => [name, hard]));
  }

  /** Another Deployment has taken the name. */
  #beginAnew(): void {
    this.#growth = noGrowthTrouble;
    this.#writers = nobodyWrote;
    this.#asks = [];
    this.#written = null;
  }

  #blind(nowMs: number, reason: string): EyeBlind {
    this.#blindSinceMs ??= nowMs;
    return { kind: 'unavailable', reason, sinceMs: this.#blindSinceMs };
  }

  #judge(nowMs: number, deployment: SlimDeployment): EyeSeen {
    const { view, rivals, config, onWrongVictim } = this.#options;
    const objects = { deployment, replicaSets: view.replicaSetsOf(deployment.uid), pods: view.podsOf(deployment.uid) };
    const wanted = this.#wanted(nowMs, deployment);
    const input = {
      ...objects,
      nowMs,
      wanted,
      asks: this.#asks,
      going: this.#removals.going(objects.pods, wanted),
      heardAtMs: this.#memory.heardAtMs,
      startTimeoutMs: config.startTimeoutMs,
      provisionTimeoutMs: config.provisionTimeoutMs,
    };
    for (const pod of this.#memory.look(input)) this.#settleEnd(pod, null);
    // Evicted by the kubelet: such pods stay, ended.
    for (const pod of objects.pods) if (pod.phase === 'Failed') this.#settleEnd(pod, nowMs);
    const judged = replicasOf({ ...input, lives: this.#memory.lives });
    this.#growth = growthAfter(this.#growth, {
      nowMs,
      stuck: judged.stuck,
      refusal: judged.refusal,
      refusalNoted: judged.refusalNoted,
      missing: judged.missing,
      active: objects.pods.filter(isActive).length,
      limits: this.#limits(),
      askedAtMs: this.#asks.at(-1) ?? null,
      upSinceMs: this.#upAtMs(objects.pods).reduce<number | null>((latest, atMs) => Math.max(latest ?? atMs, atMs), null),
      revision: deployment.revision,
    });
    if (this.#zeroSent && deployment.replicas === 0) this.#writers = { ...this.#writers, ours: { replicas: 0, atMs: nowMs } };
    if (this.#written === null) this.#writers = writersAfter(nowMs, this.#writers, deployment);
    const wrong = this.#removals.check(objects.pods, wanted);
    if (wrong.length > 0) onWrongVictim(wrong);
    const unsure = config.otherWriters === 'ignore' ? null : this.#unsureOfOthers(deployment);
    const known = config.otherWriters === 'ignore' ? null : otherWriter(nowMs, this.#writers, deployment, rivals.seen);
    const hold = unsure ?? known;
    return {
      kind: 'seen',
      ...objects,
      wanted,
      tooMany: objects.pods.filter(isActive).length > wanted,
      replicas: judged.replicas,
      growth: growthSeen(nowMs, this.#growth, judged.stuck.length),
      hold,
      shrinkHold: shrinkHold(objects, new Set(judged.replicas.filter((replica) => replica.empty).map((replica) => replica.id))),
      conditions: conditionsOf(
        judged,
        unsure === null && rivals.seen !== undefined ? known : null,
        graceFault(deployment.terminationGracePeriodSeconds, config.minGracePeriodMs),
      ),
    };
  }

  /** An autoscaler's write is not undone before it has been found out which one it was. */
  #unsureOfOthers(deployment: SlimDeployment): string | null {
    const { rivals } = this.#options;
    const scaledMs = scaledAtMs(deployment);
    if (scaledMs !== null && scaledMs !== this.#scaledAtMs) this.#awaitedLook = rivals.look();
    this.#scaledAtMs = scaledMs;
    return rivals.looks < this.#awaitedLook ? 'an autoscaler wrote its replicas; which one is being found out' : null;
  }

  /** A write of ours is believed until the Deployment shows it. */
  #wanted(nowMs: number, deployment: SlimDeployment): number {
    const written = this.#written;
    if (written === null) return deployment.replicas;
    if (deployment.generation <= written.generation && nowMs - written.atMs < SHOWN_MS) return written.to;
    this.#written = null;
    return deployment.replicas;
  }

  /** When each pod whose worker is up was last heard of, epoch ms. */
  #upAtMs(pods: readonly SlimPod[]): readonly number[] {
    const { heardAtMs, lives } = this.#memory;
    return pods.filter(isActive).flatMap(({ uid, createdAtMs }) => {
      const heard = heardAtMs.get(uid);
      const since = lives.get(uid)?.sinceMs ?? createdAtMs;
      return heard !== undefined && heard >= since ? [heard] : [];
    });
  }

  /** @param goneAtMs null for one that was restarted in place */
  #settleEnd(pod: SlimPod, goneAtMs: number | null): void {
    const tasks = this.#memory.tasksOf(pod.uid);
    this.#memory.forgetTasks(pod.uid);
    const rollout =
      this.#last !== null &&
      (rolloutOf(this.#last) !== null || this.#last.replicaSets.every((set) => set.uid !== pod.replicaSetUid || set.replicas === 0));
    const killed = killedBy(pod, goneAtMs, tasks, { removed: this.#removals.took(pod.uid), rollout });
    if (killed !== null) this.#options.onKilled(killed);
  }
}

function conditionsOf(judged: ReplicasOf, hold: string | null, grace: string | null): readonly Condition[] {
  const reasons = Map.groupBy([...judged.stuck, ...judged.overdue], ({ reason }) => reason);
  const stuck = [...reasons].map(([reason, pods]): Condition => {
    const [first] = pods;
    return {
      reason: 'ReplicasStuck',
      message: `${reason}: ${pods.length === 1 ? 'pod' : `${pods.length} pods, such as`} ${first?.pod}: ${first?.text}`,
      key: reason,
    };
  });
  return [
    ...stuck,
    ...(judged.refusal === null ? [] : [{ reason: 'ReplicasRefused', message: `FailedCreate: ${judged.refusal}`, key: 'FailedCreate' }]),
    ...(hold === null ? [] : [{ reason: 'ScalingHeld', message: hold }]),
    ...(grace === null ? [] : [{ reason: 'GracePeriodTooShort', message: grace }]),
  ];
}
