import type { GonePod } from './gone-pods.ts';
import type { SlimDeployment, SlimPod, SlimQuota, SlimReplicaSet } from './slim.ts';

/** What is watched in a namespace, by the API's own words. */
export type WatchedKind = 'deployments' | 'replicasets' | 'pods' | 'resourcequotas';

/** Whether what is known of a namespace may be decided by. */
export interface Freshness {
  /** Deployments, ReplicaSets and Pods are the newest state: each listed afresh since its watch last broke. */
  readonly synced: boolean;
  /** Age of the oldest of their signals, ms: up to a minute is usual where nothing happens. Infinity before the first. */
  readonly ageMs: number;
  /** Why it is not synced, else null. */
  readonly reason: string | null;
  /** Kinds that were refused (403, 404), with the reason; ResourceQuotas among them do not keep a namespace from being synced. */
  readonly unavailable: readonly { readonly kind: WatchedKind; readonly reason: string }[];
}

/** One list-watch, for metrics. */
export interface WatchHealth {
  readonly kind: WatchedKind;
  readonly namespace: string;
  readonly synced: boolean;
  readonly ageMs: number;
  readonly relists: number;
  readonly restarts: number;
  readonly differences: number;
  readonly objects: number;
  readonly error: string | null;
}

/** What has changed in a namespace, gathered over one turn of the event loop. */
export interface ClusterChange {
  readonly namespace: string;
  /** Names of the Deployments that it concerns; all of the namespace when a quota or the freshness has changed. */
  readonly deployments: readonly string[];
  /** Pods that have ended. */
  readonly gone: readonly GonePod[];
}

/** A slim copy of what the autoscaler needs to see of some namespaces, kept by list and watch. Reading costs nothing and never waits. */
export interface ClusterView {
  start(): void;
  /** Resolves when every kind of every namespace has been listed or is known not to be available. */
  settled(): Promise<void>;
  /** Null where there is none of that name (or none is known yet: see `freshness`). */
  deployment(namespace: string, name: string): SlimDeployment | null;
  replicaSetsOf(deploymentUid: string): readonly SlimReplicaSet[];
  podsOf(deploymentUid: string): readonly SlimPod[];
  /** Pods that ended within the last minute. */
  goneOf(deploymentUid: string): readonly GonePod[];
  quotas(namespace: string): readonly SlimQuota[];
  freshness(namespace: string): Freshness;
  health(): readonly WatchHealth[];
  /** Calls back at most once for a namespace and a turn of the event loop; the answer takes the listener away. */
  onChange(listener: (change: ClusterChange) => void): () => void;
  close(): Promise<void>;
}
