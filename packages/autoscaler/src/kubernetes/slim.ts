/** What is kept of a container's status. Absent facts are null. */
export interface SlimContainer {
  readonly name: string;
  /** Whether it is an init container. */
  readonly init: boolean;
  readonly ready: boolean;
  readonly restarts: number;
  /** Such as `ImagePullBackOff`, `CreateContainerConfigError`, `CrashLoopBackOff`; null while it is not waiting. */
  readonly waitingReason: string | null;
  readonly waitingMessage: string | null;
  /** Null while it has not ended. */
  readonly terminatedExitCode: number | null;
  readonly terminatedReason: string | null;
  /** How the run before this one ended, such as `OOMKilled`. */
  readonly lastTerminatedReason: string | null;
  readonly lastExitCode: number | null;
}

/** A condition of an object's status. */
export interface SlimCondition {
  /** `True`, `False` or `Unknown`. */
  readonly status: string;
  readonly reason: string | null;
  readonly message: string | null;
  /** Last transition, epoch ms; null where the object does not say. */
  readonly sinceMs: number | null;
}

/** What is kept of a Pod that a ReplicaSet owns. Times are epoch ms. */
export interface SlimPod {
  readonly uid: string;
  readonly name: string;
  readonly namespace: string;
  /** Opaque. */
  readonly resourceVersion: string;
  readonly replicaSetUid: string;
  readonly replicaSetName: string;
  /** Label `pod-template-hash`. */
  readonly templateHash: string | null;
  /** Only deletion cost, do-not-disrupt, safe-to-evict and our own, by their full names. */
  readonly annotations: Readonly<Record<string, string>>;
  /** What the worker in it calls its host: `spec.hostname`, else the pod's name. */
  readonly hostname: string;
  /** Null while it is not bound to a node. */
  readonly nodeName: string | null;
  /** `Pending`, `Running`, `Succeeded`, `Failed`, `Unknown`. */
  readonly phase: string;
  /** `status.reason`, such as `Evicted`. */
  readonly reason: string | null;
  readonly createdAtMs: number;
  /** When it has to be gone; set as soon as its deletion was asked for, else null. */
  readonly deletionAtMs: number | null;
  /** The grace its deletion was asked for with, s. */
  readonly deletionGraceSeconds: number | null;
  readonly terminationGracePeriodSeconds: number | null;
  readonly ready: boolean;
  /** Last transition of Ready, to either side. */
  readonly readySinceMs: number | null;
  readonly podScheduled: SlimCondition | null;
  readonly containers: readonly SlimContainer[];
}

/** What is kept of a ReplicaSet that a Deployment owns. */
export interface SlimReplicaSet {
  readonly uid: string;
  readonly name: string;
  readonly namespace: string;
  readonly resourceVersion: string;
  readonly deploymentUid: string;
  readonly deploymentName: string;
  /** Wanted. */
  readonly replicas: number;
  readonly statusReplicas: number;
  readonly readyReplicas: number;
  readonly templateHash: string | null;
  /** Annotation `deployment.kubernetes.io/revision`. */
  readonly revision: string | null;
  readonly createdAtMs: number;
  /** Condition ReplicaFailure (quota, limit range, webhook) while it is there. */
  readonly replicaFailure: SlimCondition | null;
}

/** Who has written `spec.replicas`, as the API server keeps it in `metadata.managedFields`. */
export interface ReplicasOwner {
  readonly manager: string;
  /** `Update` or `Apply`. */
  readonly operation: string;
  /** `scale`, or null for the object itself. */
  readonly subresource: string | null;
  readonly atMs: number | null;
}

/** What is kept of a Deployment. */
export interface SlimDeployment {
  readonly uid: string;
  readonly name: string;
  readonly namespace: string;
  readonly resourceVersion: string;
  readonly generation: number;
  readonly observedGeneration: number;
  readonly createdAtMs: number;
  readonly deletionAtMs: number | null;
  /** Wanted. */
  readonly replicas: number;
  readonly statusReplicas: number;
  readonly updatedReplicas: number;
  readonly readyReplicas: number;
  readonly availableReplicas: number;
  readonly unavailableReplicas: number;
  readonly progressing: SlimCondition | null;
  readonly replicaFailure: SlimCondition | null;
  /** Those that begin with `autoscaling.keda.sh/` or `celeriac`. */
  readonly annotations: Readonly<Record<string, string>>;
  readonly revision: string | null;
  readonly paused: boolean;
  /** `RollingUpdate` or `Recreate`. */
  readonly strategy: string | null;
  /** A number or a percentage such as `25%`. */
  readonly maxSurge: number | string | null;
  readonly maxUnavailable: number | string | null;
  readonly terminationGracePeriodSeconds: number | null;
  /** What the containers of the template request together; 0 where nothing is requested. */
  readonly requests: { readonly cpu: number; readonly memoryBytes: number; readonly gpus: number };
  readonly replicasOwners: readonly ReplicasOwner[];
}

/** What is kept of a ResourceQuota, in cores, bytes and counts by resource name (`requests.cpu`, `pods`, ...). */
export interface SlimQuota {
  readonly uid: string;
  readonly name: string;
  readonly namespace: string;
  readonly resourceVersion: string;
  readonly hard: Readonly<Record<string, number>>;
  readonly used: Readonly<Record<string, number>>;
}
