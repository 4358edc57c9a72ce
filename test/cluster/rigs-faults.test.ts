// The rigs where something fails: the API server, the node, a probe; and the real scheduler.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Kubelet, startKubelet } from '../kubelet/kubelet.ts';
import type { Pod } from '../kubelet/pod.ts';
import { type OwnControlPlane, startControlPlane } from '../kubernetes/control-plane.ts';
import { untilAllowed } from '../kubernetes/in-force.ts';
import { type DeploymentSettings, serviceAccountWith, workerDeployment } from '../kubernetes/manifests.ts';
import { type KubeList, type Manifest, resourcePath } from '../kubernetes/objects.ts';
import { ApiRefusal } from '../kubernetes/rest.ts';
import { pythonProgram } from '../kubernetes/worker-program.ts';
import { processTable } from '../process-table.ts';
import { letTimePass, type UntilOptions, until as untilIn } from '../until.ts';

/** The machine may be busy with other tests. */
const until = <T>(ask: () => T | Promise<T>, options: UntilOptions = {}): Promise<NonNullable<T>> =>
  untilIn(ask, { timeoutMs: 60_000, ...options });

describe('an own control plane', () => {
  let cluster: OwnControlPlane;
  let namespace: string;
  let kubelet: Kubelet;

  beforeAll(async () => {
    cluster = await startControlPlane({ scheduler: true });
    namespace = await cluster.createNamespace();
    kubelet = await startKubelet({ controlPlane: cluster, namespace, bind: false, capacity: { cpu: '4', memory: '8Gi', pods: '20' } });
  });
  afterAll(async () => {
    await kubelet?.stop();
    await cluster?.stop();
  });

  const shell = (name: string, script: string, more: Partial<DeploymentSettings> = {}): Manifest =>
    workerDeployment({ name, replicas: 1, graceS: 2, program: { command: ['sh', '-c', script], env: {} }, ...more });
  const scale = (name: string, replicas: number): Promise<unknown> =>
    cluster.api.patch(resourcePath('Deployment', namespace, name, 'scale'), { spec: { replicas } });
  const podsOf = async (name: string): Promise<readonly Pod[]> => {
    const list = await cluster.api.get<KubeList<Pod>>(resourcePath('Pod', namespace), { labelSelector: `app=${name}` });
    return list.items;
  };
  const runningPod = (name: string): Promise<{ readonly name: string; readonly pid: number }> =>
    until(
      async () => {
        const [pod] = await podsOf(name);
        const pid = pod === undefined ? undefined : kubelet.pid(pod.metadata.name);
        return pod === undefined || pid === undefined ? undefined : { name: pod.metadata.name, pid };
      },
      { what: `a running pod of ${name}` },
    );
  const lives = (pid: number): boolean => processTable().some((row) => row.pid === pid);

  it('has a scheduler that finds no room for what the Node cannot hold', async () => {
    await cluster.created(namespace, workerDeployment({ name: 'large', replicas: 3, resources: { cpu: '2' } }));
    const placed = async () => (await podsOf('large')).filter((pod) => pod.spec?.nodeName === kubelet.nodeName);
    const refused = async () =>
      (await podsOf('large')).flatMap((pod) => pod.status?.conditions?.filter((one) => one.reason === 'Unschedulable') ?? []);
    await until(async () => (await placed()).length === 2 && (await refused()).length === 1, { what: 'two of three' });
    expect((await refused())[0]?.message).toMatch(/Insufficient cpu/);
    await scale('large', 0);
    await until(async () => (await podsOf('large')).length === 0, { what: 'no pods of large' });
  });

  it('can lose its API server; pods run on, and what was missed is made up for', async () => {
    await cluster.created(namespace, shell('lasting', 'sleep 600'));
    const { pid } = await runningPod('lasting');
    await cluster.stopApiserver();
    await expect(cluster.api.get(resourcePath('Pod', namespace))).rejects.toThrow(/ECONNREFUSED/);
    expect(lives(pid)).toBe(true);
    await cluster.startApiserver();
    await scale('lasting', 0);
    await until(() => !lives(pid), { what: 'the end of its process' });
    await until(async () => (await podsOf('lasting')).length === 0, { what: 'no pods of lasting' });
  });

  it('can be frozen: a question waits for its answer', async () => {
    await cluster.freezeApiserver();
    const answer = cluster.api.raw('GET', '/version');
    const early = await Promise.race([answer, letTimePass(500, 'nothing comes from a frozen server').then(() => 'nothing')]);
    cluster.thawApiserver();
    expect(early).toBe('nothing');
    expect(await answer).toMatch(/gitVersion/);
  });

  it('can lose its node: nothing ends before it is back', async () => {
    await cluster.created(namespace, shell('remote', 'sleep 600'));
    const { name, pid } = await runningPod('remote');
    kubelet.pause();
    await scale('remote', 0);
    const terminating = await until(async () => (await podsOf('remote')).find((pod) => pod.metadata.deletionTimestamp !== undefined));
    expect(terminating.status?.phase).toBe('Running');
    await letTimePass(3_000, 'longer than the grace of two seconds');
    expect(lives(pid)).toBe(true);
    expect((await podsOf('remote')).map((pod) => pod.metadata.name)).toEqual([name]);
    kubelet.resume();
    await until(async () => (await podsOf('remote')).length === 0, { what: 'no pods of remote' });
    expect(lives(pid)).toBe(false);
  });

  it('takes a pod away by force, and its process with it', async () => {
    await cluster.created(namespace, shell('forced', `trap '' TERM; echo armed; while :; do sleep 0.1; done`, { graceS: 600 }));
    const armed = (pod: string) => until(() => kubelet.output(pod).includes('armed'), { what: `${pod} to ignore SIGTERM` });
    const { name, pid } = await runningPod('forced');
    await armed(name);
    await cluster.api.delete(resourcePath('Pod', namespace, name), { gracePeriodSeconds: 0 });
    await until(() => !lives(pid), { what: 'the end of its process' });
    const ended = () => kubelet.records.find((record) => record.pod === name && record.endedAtMs !== undefined);
    expect(await until(ended, { what: 'its record' })).toMatchObject({ dropped: true, killed: false });
    const second = await runningPod('forced');
    expect(second.name).not.toBe(name);
    await armed(second.name);
    await scale('forced', 0);
    await until(async () => (await podsOf('forced')).some((pod) => pod.metadata.deletionTimestamp !== undefined), { what: 'its deletion' });
    await cluster.api.delete(resourcePath('Pod', namespace, second.name), { gracePeriodSeconds: 1 });
    await until(async () => (await podsOf('forced')).length === 0, { what: 'its end by the shorter grace' });
    expect(kubelet.records.find((record) => record.pod === second.name)).toMatchObject({ killed: true, exitCode: 137 });
  });

  it('restarts what fails its liveness probe', async () => {
    const livenessProbe = { exec: { command: ['sh', '-c', 'test -e "$HEALTHY"'] }, periodSeconds: 1, failureThreshold: 2 };
    const program = { command: ['sleep', '600'], env: { HEALTHY: '/nowhere' }, livenessProbe };
    await cluster.created(namespace, workerDeployment({ name: 'unwell', replicas: 1, graceS: 20, program }));
    const restarted = async () => (await podsOf('unwell')).find((pod) => (pod.status?.containerStatuses?.[0]?.restartCount ?? 0) > 0);
    const pod = await until(restarted, { what: 'a restart' });
    expect(pod.status?.containerStatuses?.[0]?.lastState.terminated).toMatchObject({ exitCode: 143, reason: 'Error' });
    await scale('unwell', 0);
  });

  it('gives a service account its own token and no more rights than its Role', async () => {
    const rules = [{ apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] }];
    await cluster.created(namespace, ...serviceAccountWith('reader', namespace, rules));
    await untilAllowed(cluster, namespace, 'reader', [{ apiGroups: [''], resources: ['pods'], verbs: ['list'] }]);
    const reader = cluster.apiAs(await cluster.kubeconfigFor(namespace, 'reader'));
    try {
      const pods = resourcePath('Pod', namespace);
      expect(await reader.get<KubeList>(pods)).toMatchObject({ kind: 'PodList' });
      const refusal = await reader.get(resourcePath('Secret', namespace)).catch((error: unknown) => error);
      expect(refusal).toBeInstanceOf(ApiRefusal);
      expect(refusal).toMatchObject({ status: 403, reason: 'Forbidden' });
      await expect(reader.get(resourcePath('Pod', 'default'))).rejects.toThrow(/403/);
    } finally {
      reader.close();
    }
  });

  it('runs a Python worker by the name of its pod', async () => {
    // nothing listens there: what it is called shows in its banner
    const broker = 'redis://127.0.0.1:1/0';
    const app = `import os\nfrom celery import Celery\napp = Celery('tasks', broker=os.environ['CELERY_BROKER_URL'])\n`;
    using program = await pythonProgram({ app, broker, args: ['--without-heartbeat'] });
    await cluster.created(namespace, workerDeployment({ name: 'snakes', replicas: 1, graceS: 1, program }));
    const { name } = await runningPod('snakes');
    await until(() => kubelet.output(name).includes(`celery@${name}`), { what: 'its banner' });
    await scale('snakes', 0);
    await until(async () => (await podsOf('snakes')).length === 0, { what: 'no pods of snakes' });
  });
});
