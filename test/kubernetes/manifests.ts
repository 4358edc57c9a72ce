// Manifests of what tests put into a cluster.

import type { Manifest } from './objects.ts';
import type { WorkerProgram } from './worker-program.ts';

export interface DeploymentSettings {
  /** Of the Deployment, and of the label `app` of its pods. */
  readonly name: string;
  /** Default none: the container has no command, and the test kubelet runs no process for it. */
  readonly program?: WorkerProgram;
  /** Default 0. `null` leaves the field out, as behind an autoscaler. */
  readonly replicas?: number | null;
  /** terminationGracePeriodSeconds. Default 30. */
  readonly graceS?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly podLabels?: Readonly<Record<string, string>>;
  readonly podAnnotations?: Readonly<Record<string, string>>;
  /** Requests and limits, such as `{ cpu: '500m', memory: '256Mi' }`. */
  readonly resources?: Readonly<Record<string, string>>;
  /** Beyond the program's own; `valueFrom` as in a manifest. */
  readonly env?: readonly Readonly<Record<string, unknown>>[];
  /** For example `{ type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } }`. */
  readonly strategy?: Readonly<Record<string, unknown>>;
  readonly image?: string;
  readonly serviceAccountName?: string;
}

/** A Deployment of workers. POD_NAME, POD_NAMESPACE and POD_IP are in their environment. */
export function workerDeployment(settings: DeploymentSettings): Manifest {
  const { name, program, replicas = 0, graceS = 30, resources } = settings;
  const labels = { app: name, ...settings.podLabels };
  const field = (variable: string, fieldPath: string) => ({ name: variable, valueFrom: { fieldRef: { fieldPath } } });
  const fields = [field('POD_NAME', 'metadata.name'), field('POD_NAMESPACE', 'metadata.namespace'), field('POD_IP', 'status.podIP')];
  const own = Object.entries(program?.env ?? {}).map(([variable, value]) => ({ name: variable, value }));
  const container = {
    name: 'worker',
    image: settings.image ?? 'celeriac.test/worker:1',
    env: [...fields, ...own, ...(settings.env ?? [])],
    ...(program === undefined ? {} : { command: program.command }),
    ...(program?.workingDir === undefined ? {} : { workingDir: program.workingDir }),
    ...(program?.readinessProbe === undefined ? {} : { readinessProbe: program.readinessProbe }),
    ...(program?.livenessProbe === undefined ? {} : { livenessProbe: program.livenessProbe }),
    ...(resources === undefined ? {} : { resources: { requests: resources, limits: resources } }),
  };
  const spec = {
    terminationGracePeriodSeconds: graceS,
    ...(settings.serviceAccountName === undefined ? {} : { serviceAccountName: settings.serviceAccountName }),
    containers: [container],
  };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, labels: { app: name, ...settings.labels }, annotations: settings.annotations ?? {} },
    spec: {
      ...(replicas === null ? {} : { replicas }),
      selector: { matchLabels: { app: name } },
      ...(settings.strategy === undefined ? {} : { strategy: settings.strategy }),
      template: { metadata: { labels, annotations: settings.podAnnotations ?? {} }, spec },
    },
  };
}

/** `resourceQuota('few', { pods: '2' })` */
export function resourceQuota(name: string, hard: Readonly<Record<string, string>>): Manifest {
  return { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name }, spec: { hard } };
}

export interface PolicyRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

/** A ServiceAccount, a Role with these rules and the RoleBinding between them, all of one name and in one namespace. */
export function serviceAccountWith(name: string, namespace: string, rules: readonly PolicyRule[]): readonly Manifest[] {
  const rbac = 'rbac.authorization.k8s.io';
  const metadata = { name, namespace };
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata },
    { apiVersion: `${rbac}/v1`, kind: 'Role', metadata, rules },
    {
      apiVersion: `${rbac}/v1`,
      kind: 'RoleBinding',
      metadata,
      roleRef: { apiGroup: rbac, kind: 'Role', name },
      subjects: [{ kind: 'ServiceAccount', name, namespace }],
    },
  ];
}

/** A HorizontalPodAutoscaler on the CPU of a Deployment. It writes `spec.replicas` when that lies outside of min and max, metrics or none. */
export function horizontalPodAutoscaler(deployment: string, replicas: { readonly min: number; readonly max: number }): Manifest {
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: deployment },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: deployment },
      minReplicas: replicas.min,
      maxReplicas: replicas.max,
      metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } }],
    },
  };
}
