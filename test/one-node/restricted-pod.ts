// Pods as the strictest cluster lets them run: Pod Security "restricted", with a uid that no image knows, as OpenShift gives one out.

import type { Manifest } from '../kubernetes/objects.ts';
import { until } from '../until.ts';
import type { OneNode } from './cluster.ts';

/** From OpenShift's usual range; the group is root's, which owns nothing here but may read. */
export const ARBITRARY_UID = 1_000_660_000;

export interface RestrictedPod {
  readonly name: string;
  readonly image: string;
  /** Behind the image's entry point; the image's own when absent. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** A ConfigMap and where its files are. */
  readonly files?: { readonly configMap: string; readonly path: string };
  /** Port of /livez and /readyz; without one the pod is ready when it runs. */
  readonly port?: number;
  /** Seconds between SIGTERM and SIGKILL; default 30. */
  readonly graceS?: number;
}

/** Not started again when it ends, so that its exit code stays to be seen. */
export function restrictedPod({ name, image, args, env = {}, files, port, graceS = 30 }: RestrictedPod): Manifest {
  const probe = (path: string): object => ({ httpGet: { path, port }, periodSeconds: 1, failureThreshold: 60 });
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { app: name, test: 'images' } },
    spec: {
      restartPolicy: 'Never',
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: graceS,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: ARBITRARY_UID,
        runAsGroup: 0,
        fsGroup: ARBITRARY_UID,
        seccompProfile: { type: 'RuntimeDefault' },
      },
      containers: [
        {
          name: 'main',
          image,
          imagePullPolicy: 'IfNotPresent',
          ...(args === undefined ? {} : { args }),
          env: Object.entries(env).map(([key, value]) => ({ name: key, value })),
          ...(port === undefined ? {} : { readinessProbe: probe('/readyz'), livenessProbe: probe('/livez') }),
          securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
          volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }, ...(files === undefined ? [] : [{ name: 'files', mountPath: files.path }])],
        },
      ],
      volumes: [{ name: 'tmp', emptyDir: {} }, ...(files === undefined ? [] : [{ name: 'files', configMap: { name: files.configMap } }])],
    },
  };
}

/** A namespace in which the API server refuses pods that are not restricted. */
export async function restrictedNamespace(cluster: OneNode, prefix: string): Promise<string> {
  const namespace = await cluster.createNamespace(prefix);
  await cluster.kubectl(['label', 'namespace', namespace, 'pod-security.kubernetes.io/enforce=restricted']);
  return namespace;
}

interface PodStatus {
  readonly status: { readonly containerStatuses?: readonly { readonly state: { readonly terminated?: { readonly exitCode: number } } }[] };
}

/** Resolves with the exit code that the kubelet reports, once the pod's container has ended. */
export async function exitCode(cluster: OneNode, namespace: string, pod: string): Promise<number> {
  const ended = async (): Promise<{ readonly exitCode: number } | undefined> => {
    const { status } = await cluster.get<PodStatus>('pod', namespace, pod);
    return status.containerStatuses?.[0]?.state.terminated;
  };
  return (await until(ended, { timeoutMs: 120_000, everyMs: 200, what: `the end of ${pod}` })).exitCode;
}

/** Resolves when the pod is Ready; rejects with its log where it is not within two minutes. */
export async function ready(cluster: OneNode, namespace: string, pod: string): Promise<void> {
  const wait = ['wait', '-n', namespace, `pod/${pod}`, '--for=condition=Ready', '--timeout=120s'];
  await cluster.kubectl(wait).catch(async (error: Error) => {
    const log = await cluster.kubectl(['logs', '-n', namespace, pod]).catch(String);
    throw new Error(`${error.message}\n${log}`);
  });
}
