// The rigs themselves: what the test kubelet does with pods of the real controllers.

import { Celery } from '@celeriac/producer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RedisServer, startRedis } from '../brokers/redis.ts';
import { type Kubelet, startKubelet } from '../kubelet/kubelet.ts';
import type { Pod } from '../kubelet/pod.ts';
import { type ControlPlane, sharedControlPlane } from '../kubernetes/control-plane.ts';
import { createQuota } from '../kubernetes/in-force.ts';
import { workerDeployment } from '../kubernetes/manifests.ts';
import { type KubeList, type KubeObject, resourcePath } from '../kubernetes/objects.ts';
import { celeriacProgram } from '../kubernetes/worker-program.ts';
import { createLedger } from '../ledger/ledger.ts';
import { descendantsOf, stillRunning } from '../process-table.ts';
import { letTimePass, type UntilOptions, until as untilIn } from '../until.ts';

interface DeploymentStatus {
  readonly replicas?: number;
  readonly readyReplicas?: number;
  readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason: string; readonly message: string }[];
}
type Deployment = KubeObject<Readonly<Record<string, unknown>>, DeploymentStatus>;

/** The machine may be busy with other tests. */
const until = <T>(ask: () => T | Promise<T>, options: UntilOptions = {}): Promise<NonNullable<T>> =>
  untilIn(ask, { timeoutMs: 60_000, ...options });

describe('pods under the test kubelet', () => {
  let cluster: ControlPlane;
  let redis: RedisServer;
  let namespace: string;
  let kubelet: Kubelet;

  beforeAll(async () => {
    [cluster, redis] = await Promise.all([sharedControlPlane(), startRedis()]);
    namespace = await cluster.createNamespace();
    kubelet = await startKubelet({ controlPlane: cluster, namespace, restartBackOffMs: 1_000 });
  });
  afterAll(async () => {
    await kubelet?.stop();
    await cluster?.deleteNamespace(namespace);
    await cluster?.stop();
    await redis?.stop();
  });

  const scale = (name: string, replicas: number): Promise<unknown> =>
    cluster.api.patch(resourcePath('Deployment', namespace, name, 'scale'), { spec: { replicas } });
  const deployment = (name: string): Promise<Deployment> => cluster.api.get(resourcePath('Deployment', namespace, name));
  const podsOf = async (name: string): Promise<readonly Pod[]> => {
    const list = await cluster.api.get<KubeList<Pod>>(resourcePath('Pod', namespace), { labelSelector: `app=${name}` });
    return list.items;
  };
  const onlyPod = async (name: string): Promise<Pod> => until(async () => (await podsOf(name))[0], { what: `a pod of ${name}` });
  const shell = (name: string, script: string, graceS = 30) =>
    workerDeployment({ name, replicas: 1, graceS, program: { command: ['sh', '-c', script], env: {} } });

  it('run real workers that answer a task, and scale in by SIGTERM within the grace', async () => {
    const settings = { tasks: 'test/integration/autoscaler-tasks.ts', broker: redis.url, backend: redis.database(1), queues: ['emails'] };
    const program = celeriacProgram(settings);
    await cluster.created(namespace, workerDeployment({ name: 'workers', program, graceS: 20 }));
    expect((await deployment('workers')).status?.replicas).toBeUndefined();

    await scale('workers', 3);
    await until(async () => (await deployment('workers')).status?.readyReplicas === 3, { what: 'three Ready pods' });
    const ready = await podsOf('workers');
    const addresses = new Set(ready.map((pod) => pod.status?.podIP));
    expect(addresses.size).toBe(3);
    expect(ready.map((pod) => pod.spec?.nodeName)).toEqual([kubelet.nodeName, kubelet.nodeName, kubelet.nodeName]);

    using ledger = createLedger();
    const celery = new Celery({ broker: redis.url, backend: redis.database(1) });
    try {
      const options = { args: [ledger.path, 'one', 0], queue: 'emails' };
      expect(await (await celery.sendTask('test.work', options)).get({ timeoutMs: 60_000 })).toBeNull();
    } finally {
      await celery.close();
    }

    await scale('workers', 1);
    await until(async () => (await podsOf('workers')).length === 1, { what: 'two pods gone' });
    const records = kubelet.records.filter((record) => record.pod.startsWith('workers-'));
    const left = (await podsOf('workers'))[0]?.metadata.name;
    expect(records).toHaveLength(3);
    for (const record of records) {
      const ended = record.pod !== left;
      expect(record).toMatchObject({ killed: false, dropped: false, ...(ended ? { exitCode: 0 } : {}) });
      expect(record.termAtMs !== undefined).toBe(ended);
    }
    await scale('workers', 0);
  });

  it('are ended by SIGKILL with all their processes when the grace is over', async () => {
    const killed: string[] = [];
    const stopListening = kubelet.onKilled((record) => killed.push(record.pod));
    await cluster.created(namespace, shell('stubborn', `trap '' TERM; sleep 600 & while :; do sleep 0.1; done`, 1));
    const { metadata } = await onlyPod('stubborn');
    const pid = await until(() => kubelet.pid(metadata.name), { what: 'its process' });
    const family = await until(() => runningBelow(pid), { what: 'its child' });
    await until(async () => (await deployment('stubborn')).status?.readyReplicas === 1, { what: 'the pod Ready' });

    const statuses: Pod[] = [];
    const watched = new AbortController();
    const { metadata: list } = await cluster.api.get<KubeList<Pod>>(resourcePath('Pod', namespace));
    const query = { resourceVersion: list.resourceVersion, fieldSelector: `metadata.name=${metadata.name}` };
    const watching = cluster.api.watch<Pod>(resourcePath('Pod', namespace), query, watched.signal, (event) => {
      statuses.push(event.object);
      if (event.type === 'DELETED') watched.abort();
    });
    await scale('stubborn', 0);
    await watching;
    stopListening();

    expect(statuses[0]?.metadata).toMatchObject({ deletionGracePeriodSeconds: 1 });
    expect(statuses[0]?.status?.conditions?.find((condition) => condition.type === 'Ready')?.status).toBe('True');
    const last = statuses.at(-1)?.status;
    expect(last?.phase).toBe('Failed');
    expect(last?.containerStatuses?.[0]?.state.terminated).toMatchObject({ exitCode: 137, reason: 'Error' });
    expect(last?.conditions?.find((condition) => condition.type === 'Ready')).toMatchObject({ status: 'False', reason: 'PodFailed' });
    expect(killed).toEqual([metadata.name]);
    const record = kubelet.records.find((one) => one.pod === metadata.name);
    expect(record).toMatchObject({ killed: true, exitCode: 137 });
    expect((record?.endedAtMs ?? 0) - (record?.termAtMs ?? 0)).toBeGreaterThanOrEqual(1_000);
    await until(() => stillRunning(family).length === 0, { what: 'the end of its child' });
  });

  it('crash, are started anew at once, and then wait longer each time', async () => {
    await cluster.created(namespace, shell('crashing', 'exit 3'));
    const waiting = async (): Promise<Pod | undefined> => {
      const [pod] = await podsOf('crashing');
      return pod?.status?.containerStatuses?.[0]?.state.waiting?.reason === 'CrashLoopBackOff' ? pod : undefined;
    };
    const pod = await until(waiting, { what: 'CrashLoopBackOff' });
    const [container] = pod.status?.containerStatuses ?? [];
    expect(container).toMatchObject({ ready: false, started: false, lastState: { terminated: { exitCode: 3, reason: 'Error' } } });
    // twice as long with each restart but the first, which was at once
    const waitS = 2 ** ((container?.restartCount ?? 0) - 1);
    expect(container?.state.waiting?.message).toMatch(new RegExp(`^back-off ${waitS}s restarting failed container=worker pod=crashing-`));
    expect(pod.status?.phase).toBe('Running');
    const starts = await until(() => {
      const own = kubelet.records.filter((record) => record.pod === pod.metadata.name);
      return own.length >= 4 ? own : undefined;
    });
    const gaps = starts.slice(1, 4).map((record, index) => record.startedAtMs - (starts[index]?.endedAtMs ?? 0));
    expect(gaps[1]).toBeGreaterThanOrEqual(950);
    expect(gaps[2]).toBeGreaterThanOrEqual(1_950);
    await scale('crashing', 0);
    await until(async () => (await podsOf('crashing')).length === 0, { what: 'the crashing pod gone' });
  });

  it('wait for a Secret and take it when it comes', async () => {
    const program = { command: ['sh', '-c', 'echo "token $TOKEN of $HOSTNAME as $(SELF)"; sleep 600'], env: { SELF: 'pod $(POD_NAME)' } };
    const secretKeyRef = { name: 'later', key: 'token' };
    const env = [{ name: 'TOKEN', valueFrom: { secretKeyRef } }];
    await cluster.created(namespace, workerDeployment({ name: 'secretive', replicas: 1, graceS: 1, program, env }));
    const reason = async () => (await podsOf('secretive'))[0]?.status?.containerStatuses?.[0]?.state.waiting;
    const seen = await until(async () => ((await reason())?.message === undefined ? undefined : reason()), { what: 'the reason' });
    expect(seen).toEqual({ reason: 'CreateContainerConfigError', message: 'secret "later" not found' });
    await cluster.created(namespace, { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'later' }, stringData: { token: 'abc' } });
    const { metadata } = await onlyPod('secretive');
    const output = await until(() => kubelet.output(metadata.name), { what: 'its output' });
    expect(output).toBe(`token abc of ${metadata.name} as pod ${metadata.name}\n`);
    await scale('secretive', 0);
  });

  it('that a quota refuses show as ReplicaFailure, and come when it allows them', async () => {
    const home = await cluster.createNamespace();
    await using own = await startKubelet({ controlPlane: cluster, namespace: home });
    await createQuota(cluster, home, 'few', { pods: '1' });
    await cluster.created(home, workerDeployment({ name: 'many', replicas: 3 }));
    const path = resourcePath('Deployment', home, 'many');
    const failure = await until(
      async () => (await cluster.api.get<Deployment>(path)).status?.conditions?.find((one) => one.type === 'ReplicaFailure'),
      { what: 'the condition ReplicaFailure' },
    );
    expect(failure).toMatchObject({ status: 'True', reason: 'FailedCreate' });
    expect(failure.message).toMatch(/exceeded quota: few, requested: pods=1, used: pods=1, limited: pods=1/);
    await until(() => own.pods().length === 1, { what: 'the pod that is allowed' });
    await cluster.api.patch(resourcePath('ResourceQuota', home, 'few'), { spec: { hard: { pods: '10' } } });
    await until(() => own.pods().length === 3, { what: 'all pods' });
    await own.stop();
    await cluster.deleteNamespace(home);
  });

  it('stay Pending and Unschedulable until there is room', async () => {
    const held = kubelet.holdPending('roomless', '0/3 nodes are available: 3 Insufficient memory.');
    await cluster.created(namespace, workerDeployment({ name: 'roomless', replicas: 2 }));
    const unschedulable = async (): Promise<readonly unknown[]> =>
      (await podsOf('roomless')).flatMap((pod) => pod.status?.conditions?.filter((one) => one.reason === 'Unschedulable') ?? []);
    const conditions = await until(async () => ((await unschedulable()).length === 2 ? unschedulable() : undefined));
    expect(conditions[0]).toMatchObject({
      type: 'PodScheduled',
      status: 'False',
      message: '0/3 nodes are available: 3 Insufficient memory.',
    });
    expect((await podsOf('roomless')).map((pod) => pod.spec?.nodeName)).toEqual([undefined, undefined]);
    const told = (): Promise<KubeList> => cluster.api.get(resourcePath('Event', namespace), { fieldSelector: 'reason=FailedScheduling' });
    await until(async () => (await told()).items.length >= 2, { what: 'an Event for each' });
    held.release();
    await until(async () => (await deployment('roomless')).status?.readyReplicas === 2, { what: 'both pods Ready' });
    await scale('roomless', 0);
  });

  it('wait for their image, stay Terminating, and lose readiness, as long as a test wants it', async () => {
    const imageless = kubelet.waitingReason('faulty', 'ImagePullBackOff', 'Back-off pulling image "none:1"');
    const stuck = kubelet.stuckTerminating('faulty');
    await cluster.created(namespace, workerDeployment({ name: 'faulty', replicas: 1 }));
    const state = async () => (await podsOf('faulty'))[0]?.status?.containerStatuses?.[0]?.state.waiting;
    await until(async () => (await state())?.reason === 'ImagePullBackOff', { what: 'ImagePullBackOff' });
    expect((await onlyPod('faulty')).status?.phase).toBe('Pending');
    imageless.release();
    const readyReplicas = async (): Promise<number> => (await deployment('faulty')).status?.readyReplicas ?? 0;
    await until(async () => (await readyReplicas()) === 1, { what: 'the pod Ready' });
    const unready = kubelet.setReady('faulty', false);
    await until(async () => (await readyReplicas()) === 0, { what: 'the pod not Ready' });
    unready.release();
    await until(async () => (await readyReplicas()) === 1, { what: 'the pod Ready again' });

    await scale('faulty', 0);
    const terminating = await until(async () => (await podsOf('faulty')).find((pod) => pod.status?.phase === 'Succeeded'));
    expect(terminating.metadata.deletionTimestamp).toBeDefined();
    await letTimePass(1_000, 'a pod that is not stuck is gone by now');
    expect(await podsOf('faulty')).toHaveLength(1);
    stuck.release();
    await until(async () => (await podsOf('faulty')).length === 0, { what: 'the pod gone' });
  });
});

function runningBelow(pid: number): ReturnType<typeof descendantsOf> | undefined {
  const rows = descendantsOf(pid);
  return rows.length > 0 ? rows : undefined;
}
