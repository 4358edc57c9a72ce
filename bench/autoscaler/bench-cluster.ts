import { startControlPlane } from '../../test/kubernetes/control-plane.ts';
import { workerDeployment } from '../../test/kubernetes/manifests.ts';
import { type KubeList, type KubeObject, resourcePath } from '../../test/kubernetes/objects.ts';

/** A real control plane with Deployments on it, and nobody who runs their pods. */
export interface BenchCluster {
  readonly kubeconfig: string;
  readonly namespace: string;
  createDeployments(names: readonly string[], replicas: number): Promise<void>;
  /** Waits until the controllers have made so many pods, and makes all of them Ready as a kubelet would; resolves with their names. */
  makeReady(count: number): Promise<readonly string[]>;
  /** Calls back for every change of a Deployment's `spec.replicas` that is seen, with the moment in ms of `performance.now`. */
  watchReplicas(onReplicas: (name: string, replicas: number, atMs: number) => void): () => void;
  [Symbol.asyncDispose](): Promise<void>;
}

const NODE = 'bench-node';
const AT_ONCE = 24;

/** Starts one whose controllers are not held back by their usual 20 requests a second. */
export async function startBenchCluster(): Promise<BenchCluster> {
  const qps = ['--kube-api-qps=2000', '--kube-api-burst=4000'];
  const busy = ['--concurrent-replicaset-syncs=50', '--concurrent-deployment-syncs=50'];
  const plane = await startControlPlane({ controllerManagerArgs: [...qps, ...busy] });
  const namespace = await plane.createNamespace();
  await plane.created(namespace, { apiVersion: 'v1', kind: 'Node', metadata: { name: NODE } });
  const watching = new AbortController();

  const markReady = async (pod: KubeObject, index: number): Promise<void> => {
    const sinceText = new Date().toISOString().replace(/\.\d+Z/, 'Z');
    const condition = (type: string) => ({ type, status: 'True', lastTransitionTime: sinceText });
    await plane.api.patch(resourcePath('Pod', namespace, pod.metadata.name, 'status'), {
      status: {
        phase: 'Running',
        podIP: `10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}`,
        startTime: sinceText,
        conditions: ['PodScheduled', 'Initialized', 'ContainersReady', 'Ready'].map(condition),
        containerStatuses: [
          {
            name: 'worker',
            ready: true,
            started: true,
            restartCount: 0,
            image: 'celeriac.test/worker:1',
            imageID: 'celeriac.test/worker@sha256:0',
            state: { running: { startedAt: sinceText } },
          },
        ],
      },
    });
  };

  return {
    kubeconfig: plane.kubeconfig,
    namespace,
    async createDeployments(names, replicas) {
      await inParallel(names, async (name) => {
        const manifest = workerDeployment({ name, replicas, resources: { cpu: '500m', memory: '256Mi' } });
        await plane.api.create(resourcePath('Deployment', namespace), onNode(manifest));
      });
    },
    async makeReady(count) {
      for (let tries = 0; ; tries += 1) {
        const { items } = await plane.api.get<KubeList>(resourcePath('Pod', namespace), { limit: count + 100 });
        if (items.length >= count) {
          const waiting = items.filter((pod) => pod.status?.['phase'] !== 'Running');
          await inParallel(waiting, markReady);
          return items.map((pod) => pod.metadata.name);
        }
        if (tries > 300) throw new Error(`only ${items.length} of ${count} pods were made`);
        await new Promise((resolve) => setTimeout(resolve, 1_000));
      }
    },
    watchReplicas(onReplicas) {
      const ending = new AbortController();
      const signal = AbortSignal.any([ending.signal, watching.signal]);
      const seen = new Map<string, number>();
      void plane.api
        .watch(resourcePath('Deployment', namespace), { timeoutSeconds: 3_600 }, signal, ({ object }) => {
          const replicas = Number(object.spec?.['replicas'] ?? 0);
          const before = seen.get(object.metadata.name);
          seen.set(object.metadata.name, replicas);
          if (before !== undefined && before !== replicas) onReplicas(object.metadata.name, replicas, performance.now());
        })
        .catch((error: unknown) => process.stderr.write(`watch of the bench ended: ${String(error)}\n`));
      return () => ending.abort();
    },
    async [Symbol.asyncDispose]() {
      watching.abort();
      await plane.stop();
    },
  };
}

/** Bound to the one node from the start: there is no scheduler. */
function onNode(manifest: ReturnType<typeof workerDeployment>): unknown {
  const spec = manifest['spec'] as { readonly template: { readonly metadata: unknown; readonly spec: object } };
  return { ...manifest, spec: { ...spec, template: { ...spec.template, spec: { ...spec.template.spec, nodeName: NODE } } } };
}

/** Runs over a list, some at a time. */
export async function inParallel<T>(items: readonly T[], run: (item: T, index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const index = next;
      next += 1;
      await run(items[index] as T, index);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}
