// A Deployment on a real control plane as a target: the test kubelet runs pods without processes, the test says what their workers do.

import type { DeploymentConfig } from '../../packages/autoscaler/src/config/pools-config.ts';
import { connectKubernetes } from '../../packages/autoscaler/src/kubernetes/connection.ts';
import { loadCredentials } from '../../packages/autoscaler/src/kubernetes/credentials.ts';
import { DeploymentTarget } from '../../packages/autoscaler/src/targets/kubernetes/deployment-target.ts';
import type { Killed } from '../../packages/autoscaler/src/targets/kubernetes/killed.ts';
import type { TargetReplica, TargetWork } from '../../packages/autoscaler/src/targets/target.ts';
import { type Kubelet, type KubeletOptions, startKubelet } from '../kubelet/kubelet.ts';
import type { Pod } from '../kubelet/pod.ts';
import { type ControlPlane, sharedControlPlane } from '../kubernetes/control-plane.ts';
import { type DeploymentSettings, workerDeployment } from '../kubernetes/manifests.ts';
import { type KubeList, type KubeObject, resourcePath } from '../kubernetes/objects.ts';
import { until } from '../until.ts';

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

export interface TargetRig {
  readonly cluster: ControlPlane;
  readonly namespace: string;
  readonly name: string;
  readonly kubelet: Kubelet;
  readonly target: DeploymentTarget;
  /** Another one of the same Deployment that remembers nothing, as of another holder of the lease. */
  another(): DeploymentTarget;
  readonly killed: readonly Killed[];
  readonly wrong: readonly string[];
  /** Whether the target may write. */
  mayWrite: boolean;
  /** Added to the clock of the target, ms. */
  aheadMs: number;
  /** Its replicas now; throws where they are not available. */
  replicas(): readonly TargetReplica[];
  /** Tells the target that these run so many tasks, and that all others in which a worker could run are up and idle. */
  work(tasks?: Readonly<Record<string, number>>): void;
  /** spec.replicas. */
  wanted(): Promise<number>;
  /** Those that are not told to go. */
  pods(): Promise<readonly Pod[]>;
  /** Scales by `/scale`, as a person does, and waits for as many Ready pods in the target's view. */
  ready(count: number): Promise<readonly string[]>;
  /** Those on the Deployment that its controller did not write. They are written in the background. */
  events(): Promise<readonly { readonly reason: string; readonly message: string; readonly type: string }[]>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface TargetRigOptions {
  /** Default: the shared one. */
  readonly cluster?: ControlPlane;
  readonly deployment?: Partial<DeploymentSettings>;
  readonly config?: Partial<DeploymentConfig>;
  readonly kubelet?: Partial<KubeletOptions>;
  /** Made before the target is. */
  readonly prepare?: (cluster: ControlPlane, namespace: string) => Promise<void>;
  readonly kubeconfig?: (cluster: ControlPlane, namespace: string) => Promise<string>;
}

export async function startTargetRig(options: TargetRigOptions = {}): Promise<TargetRig> {
  const stack = new AsyncDisposableStack();
  try {
    return await startOn(stack, options);
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

async function startOn(stack: AsyncDisposableStack, options: TargetRigOptions): Promise<TargetRig> {
  const cluster = options.cluster ?? (await sharedControlPlane());
  const namespace = await cluster.createNamespace();
  stack.defer(() => cluster.deleteNamespace(namespace).catch(() => undefined));
  const name = 'worker';
  const kubelet = await startKubelet({ controlPlane: cluster, namespace, ...options.kubelet });
  stack.defer(() => kubelet.stop());
  await options.prepare?.(cluster, namespace);
  await cluster.created(namespace, workerDeployment({ name, graceS: 60, ...options.deployment }));
  const kubeconfig = (await options.kubeconfig?.(cluster, namespace)) ?? cluster.kubeconfig;
  const credentials = await loadCredentials({ kubeconfig });
  const state = { mayWrite: true, aheadMs: 0 };
  const now = (): number => Date.now() + state.aheadMs;
  const connection = await connectKubernetes({ credentials, namespaces: [namespace], instance: 'test', logger: silent, now });
  stack.defer(() => connection.close());
  const killed: Killed[] = [];
  const wrong: string[] = [];
  const create = (): DeploymentTarget => {
    const made = new DeploymentTarget({
      pool: 'test',
      config: {
        kind: 'deployment',
        namespace,
        name,
        otherWriters: 'hold',
        startTimeoutMs: 60_000,
        provisionTimeoutMs: 60_000,
        minGracePeriodMs: 35_000,
        ...options.config,
      },
      connection,
      namespace: undefined,
      annotates: true,
      logger: silent,
      now,
      mayWrite: () => state.mayWrite,
      onKilled: (one) => killed.push(one),
      onWrongVictim: (pods) => wrong.push(...pods),
    });
    stack.defer(async () => void (await made.close()));
    return made;
  };
  const target = create();

  const deployment = (): Promise<KubeObject<{ readonly replicas: number }>> => cluster.api.get(resourcePath('Deployment', namespace, name));
  const rig: TargetRig = {
    cluster,
    namespace,
    name,
    kubelet,
    target,
    another: create,
    killed,
    wrong,
    get mayWrite() {
      return state.mayWrite;
    },
    set mayWrite(may) {
      state.mayWrite = may;
    },
    get aheadMs() {
      return state.aheadMs;
    },
    set aheadMs(ms) {
      state.aheadMs = ms;
    },
    replicas() {
      const { replicas } = target.look(now());
      if (replicas.kind === 'unavailable') throw new Error(replicas.reason);
      return replicas.value;
    },
    work(tasks = {}) {
      const ids = rig.replicas().flatMap((replica) => (replica.phase === 'running' && !replica.empty ? [replica.id] : []));
      const work: TargetWork = {
        up: new Set(ids),
        busy: new Set(Object.keys(tasks)),
        active: new Map(ids.map((id) => [id, tasks[id] ?? 0])),
      };
      target.observe(work);
    },
    wanted: async () => (await deployment()).spec?.replicas ?? -1,
    async pods() {
      const list = await cluster.api.get<KubeList<Pod>>(resourcePath('Pod', namespace), { labelSelector: `app=${name}` });
      return list.items.filter((pod) => pod.metadata.deletionTimestamp === undefined);
    },
    async ready(count) {
      await cluster.api.patch(resourcePath('Deployment', namespace, name, 'scale'), { spec: { replicas: count } });
      const settled = (): boolean => {
        const { replicas, shrinkHold } = target.look(now());
        if (replicas.kind === 'unavailable' || shrinkHold !== null) return false;
        const there = replicas.value.filter((replica) => replica.phase === 'running' && !replica.empty);
        return there.length === count && replicas.value.length === count;
      };
      await until(settled, { timeoutMs: 60_000, what: `${count} Ready pods in the view: ${JSON.stringify(target.look(now()))}` });
      return rig.replicas().map((replica) => replica.id);
    },
    async events() {
      const list = await cluster.api.get<
        KubeList<{ reason: string; message: string; type: string; involvedObject: { kind: string } } & KubeObject>
      >(`/api/v1/namespaces/${namespace}/events`);
      return list.items.filter((event) => event.involvedObject.kind === 'Deployment' && event.reason !== 'ScalingReplicaSet');
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
  await connection.view.settled();
  await until(() => target.look(now()).replicas.kind === 'reading', { timeoutMs: 60_000, what: 'the Deployment in the view' });
  await until(() => !/not been found out/.test(target.look(now()).hold ?? ''), { timeoutMs: 60_000, what: 'the other autoscalers' });
  return rig;
}
