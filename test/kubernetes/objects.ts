// The parts of Kubernetes' objects that the rigs read, as they are in JSON, and the paths of their kinds.

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
}

export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly deletionGracePeriodSeconds?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly OwnerReference[];
  readonly finalizers?: readonly string[];
  readonly managedFields?: readonly Readonly<Record<string, unknown>>[];
}

/** Any object; `spec` and `status` as the kind has them. */
export interface KubeObject<Spec = Readonly<Record<string, unknown>>, Status = Readonly<Record<string, unknown>>> {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: ObjectMeta;
  readonly spec?: Spec;
  readonly status?: Status;
  readonly [field: string]: unknown;
}

export interface KubeList<T = KubeObject> {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  readonly items: readonly T[];
}

/** What a manifest of a test may hold; the API server fills in the rest. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
}

/** Kind, to the group's path and the resource's name; `*` in front marks what has no namespace. */
const KINDS: Readonly<Record<string, string>> = {
  Namespace: '*/api/v1/namespaces',
  Node: '*/api/v1/nodes',
  Pod: '/api/v1/pods',
  Event: '/api/v1/events',
  Secret: '/api/v1/secrets',
  ConfigMap: '/api/v1/configmaps',
  Service: '/api/v1/services',
  ServiceAccount: '/api/v1/serviceaccounts',
  ResourceQuota: '/api/v1/resourcequotas',
  LimitRange: '/api/v1/limitranges',
  Deployment: '/apis/apps/v1/deployments',
  ReplicaSet: '/apis/apps/v1/replicasets',
  StatefulSet: '/apis/apps/v1/statefulsets',
  Job: '/apis/batch/v1/jobs',
  HorizontalPodAutoscaler: '/apis/autoscaling/v2/horizontalpodautoscalers',
  Lease: '/apis/coordination.k8s.io/v1/leases',
  PodDisruptionBudget: '/apis/policy/v1/poddisruptionbudgets',
  PriorityClass: '*/apis/scheduling.k8s.io/v1/priorityclasses',
  Role: '/apis/rbac.authorization.k8s.io/v1/roles',
  RoleBinding: '/apis/rbac.authorization.k8s.io/v1/rolebindings',
  ClusterRole: '*/apis/rbac.authorization.k8s.io/v1/clusterroles',
  ClusterRoleBinding: '*/apis/rbac.authorization.k8s.io/v1/clusterrolebindings',
  CustomResourceDefinition: '*/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
};

/** `resourcePath('Deployment', 'app', 'web', 'scale')`; without a name the collection, without a namespace that of all namespaces. */
export function resourcePath(kind: string, namespace?: string, name?: string, subresource?: string): string {
  const known = KINDS[kind];
  if (known === undefined) throw new Error(`no path is known of kind ${kind}`);
  const cut = known.lastIndexOf('/');
  const inNamespace = namespace === undefined || known.startsWith('*') ? '' : `/namespaces/${namespace}`;
  const collection = `${known.slice(0, cut).replace('*', '')}${inNamespace}${known.slice(cut)}`;
  return [collection, name, subresource].filter((part) => part !== undefined).join('/');
}
