import type { SlimDeployment, SlimPod, SlimReplicaSet } from './slim.ts';

/** Whose Deployment something is. */
export interface OwningDeployment {
  readonly uid: string;
  readonly name: string;
}

/**
 * Deployment to ReplicaSets to Pods of one namespace, by the uids of their owner references: names come again, uids do not. Objects may
 * arrive in any order.
 */
export class OwnerIndex {
  readonly #deployments = new Map<string, SlimDeployment>();
  readonly #replicaSets = new Map<string, SlimReplicaSet>();
  readonly #replicaSetsOf = new Map<string, Set<string>>();
  readonly #podsOf = new Map<string, Map<string, SlimPod>>();
  readonly #ownerOf = new Map<string, OwningDeployment>();

  /** By name. */
  get deployments(): ReadonlyMap<string, SlimDeployment> {
    return this.#deployments;
  }

  putDeployment(deployment: SlimDeployment): void {
    this.#deployments.set(deployment.name, deployment);
  }

  dropDeployment({ name, uid }: SlimDeployment): void {
    // another one of that name may have come already
    if (this.#deployments.get(name)?.uid === uid) this.#deployments.delete(name);
  }

  putReplicaSet(replicaSet: SlimReplicaSet): void {
    const { uid, deploymentUid, deploymentName } = replicaSet;
    this.#replicaSets.set(uid, replicaSet);
    this.#ownerOf.set(uid, { uid: deploymentUid, name: deploymentName });
    const siblings = this.#replicaSetsOf.get(deploymentUid);
    if (siblings === undefined) this.#replicaSetsOf.set(deploymentUid, new Set([uid]));
    else siblings.add(uid);
  }

  dropReplicaSet({ uid }: SlimReplicaSet): void {
    this.#replicaSets.delete(uid);
    this.#forget(uid);
  }

  putPod(pod: SlimPod): void {
    const siblings = this.#podsOf.get(pod.replicaSetUid);
    if (siblings === undefined) this.#podsOf.set(pod.replicaSetUid, new Map([[pod.uid, pod]]));
    else siblings.set(pod.uid, pod);
  }

  dropPod({ uid, replicaSetUid }: SlimPod): void {
    const siblings = this.#podsOf.get(replicaSetUid);
    siblings?.delete(uid);
    if (siblings?.size === 0) this.#podsOf.delete(replicaSetUid);
    this.#forget(replicaSetUid);
  }

  replicaSetsOf(deploymentUid: string): readonly SlimReplicaSet[] {
    return [...(this.#replicaSetsOf.get(deploymentUid) ?? [])].flatMap((uid) => this.#replicaSets.get(uid) ?? []);
  }

  podsOf(deploymentUid: string): readonly SlimPod[] {
    return [...(this.#replicaSetsOf.get(deploymentUid) ?? [])].flatMap((uid) => [...(this.#podsOf.get(uid)?.values() ?? [])]);
  }

  /** Null while its ReplicaSet is not known. */
  deploymentOf(pod: SlimPod): OwningDeployment | null {
    return this.#ownerOf.get(pod.replicaSetUid) ?? null;
  }

  /** When a Deployment is deleted its ReplicaSets go first, and its Pods take their grace: whose they are is kept until the last is gone. */
  #forget(replicaSetUid: string): void {
    if (this.#replicaSets.has(replicaSetUid) || this.#podsOf.has(replicaSetUid)) return;
    const owner = this.#ownerOf.get(replicaSetUid);
    if (owner === undefined) return;
    this.#ownerOf.delete(replicaSetUid);
    const siblings = this.#replicaSetsOf.get(owner.uid);
    siblings?.delete(replicaSetUid);
    if (siblings?.size === 0) this.#replicaSetsOf.delete(owner.uid);
  }
}
