// What a Deployment's target takes care of beside numbers, on a real control plane: other writers, people's orders, shields, kills.

import { describe, expect, it } from 'vitest';
import { SHIELD, SHIELDED_BY_US } from '../../packages/autoscaler/src/targets/kubernetes/shield.ts';
import { startApiProxy } from '../kubernetes/api-proxy.ts';
import { sharedControlPlane } from '../kubernetes/control-plane.ts';
import { horizontalPodAutoscaler } from '../kubernetes/manifests.ts';
import { resourcePath } from '../kubernetes/objects.ts';
import { until } from '../until.ts';
import { startTargetRig, type TargetRig } from './target-rig.ts';

const look = (rig: TargetRig) => rig.target.look(Date.now() + rig.aheadMs);
const annotations = async (rig: TargetRig, name: string): Promise<Readonly<Record<string, string>>> =>
  (await rig.pods()).find((pod) => pod.metadata.name === name)?.metadata.annotations ?? {};

describe('another writer', () => {
  it('that is a HorizontalPodAutoscaler is named and holds the pool', async () => {
    await using rig = await startTargetRig({
      prepare: (cluster, namespace) =>
        cluster.created(namespace, horizontalPodAutoscaler('worker', { min: 1, max: 3 })).then(() => undefined),
    });
    expect(look(rig).hold).toBe('HorizontalPodAutoscaler worker scales this Deployment too');
    rig.work();
    await until(async () => (await rig.events()).some(({ reason }) => reason === 'ScalingHeld'), { what: 'an Event' });
  });

  it('is none of us: a zero tells no name, whether it shows before its answer comes or another holder of the lease wrote it', async () => {
    const cluster = await sharedControlPlane();
    await using proxy = await startApiProxy(cluster);
    await using rig = await startTargetRig({ cluster, kubeconfig: () => Promise.resolve(proxy.through(cluster.kubeconfig)) });
    const isGone = (): boolean => rig.replicas().length === 0;
    const up = async (): Promise<string> => {
      await rig.target.grow(0, 1);
      const [name = ''] = await rig.ready(1);
      return name;
    };
    for (let round = 1; round <= 2; round += 1) {
      const name = await up();
      await rig.target.mark([name]);
      const lost = proxy.loseAnswer(({ method, path }) => method === 'PATCH' && path.includes('/scale'));
      const asked = proxy.hold(({ method, path }) => method === 'GET' && path.includes('/scale') && lost.met.length > 0);
      const removal = rig.target.remove([name]);
      await until(isGone, { what: 'the pod gone before the answer' });
      asked.release();
      await removal;
    }
    expect(look(rig).hold).toBeNull();
    const other = rig.another();
    for (let round = 1; round <= 2; round += 1) {
      const name = await up();
      await until(() => other.look(Date.now()).replicas.kind === 'reading', { what: 'the pod in the view of the other' });
      await other.mark([name]);
      await other.remove([name]);
      rig.target.takenOver();
      await until(isGone, { what: 'the pod gone by the other' });
    }
    expect(look(rig).hold).toBeNull();
  });

  it('is not taken for absent where nobody answers who there is', async () => {
    const cluster = await sharedControlPlane();
    await using proxy = await startApiProxy(cluster);
    const failing = proxy.answer(({ path }) => path.includes('/horizontalpodautoscalers'), { status: 500 }, 3);
    await using rig = await startTargetRig({
      cluster,
      prepare: (_, namespace) => cluster.created(namespace, horizontalPodAutoscaler('worker', { min: 1, max: 3 })).then(() => undefined),
      kubeconfig: () => Promise.resolve(proxy.through(cluster.kubeconfig)),
    });
    expect(failing.met).toHaveLength(3);
    expect(look(rig).hold).toBe('HorizontalPodAutoscaler worker scales this Deployment too');
  });

  it('is overridden by the configuration', async () => {
    await using rig = await startTargetRig({
      config: { otherWriters: 'ignore' },
      prepare: (cluster, namespace) =>
        cluster.created(namespace, horizontalPodAutoscaler('worker', { min: 1, max: 3 })).then(() => undefined),
    });
    expect(look(rig).hold).toBeNull();
  });

  it('that applies replicas by server-side apply as a GitOps controller is named; kubectl is adopted', async () => {
    await using rig = await startTargetRig();
    const { cluster, namespace, name, target } = rig;
    await cluster.kubectl(['scale', '-n', namespace, 'deployment', name, '--replicas=2']);
    await until(() => rig.replicas().length === 2, { what: 'two' });
    expect(look(rig).hold).toBeNull();
    await target.grow(2, 3);
    expect(await rig.wanted()).toBe(3);
    const applied = JSON.stringify({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name, namespace }, spec: { replicas: 1 } });
    const apply = ['apply', '--server-side', '--force-conflicts', '--field-manager=argocd-controller', '--validate=false', '-f', '-'];
    await cluster.kubectl(apply, { stdin: applied });
    await until(() => look(rig).hold !== null, { what: 'a hold' });
    expect(look(rig).hold).toMatch(/^Argo CD writes spec.replicas \(field manager argocd-controller\)/);
  });

  it('that nobody knows is held when it takes our number back a second time', async () => {
    await using rig = await startTargetRig();
    const { cluster, namespace, name, target } = rig;
    const takeBack = async (to: number): Promise<void> => {
      await cluster.api.patch(`${resourcePath('Deployment', namespace, name, 'scale')}?fieldManager=mystery`, { spec: { replicas: to } });
      await until(() => rig.replicas().filter((replica) => replica.phase !== 'leaving').length === to, { what: `${to} left` });
    };
    const shown = (count: number): Promise<unknown> =>
      until(() => rig.replicas().filter((replica) => replica.phase === 'running' && replica.host !== null).length === count, {
        what: `${count} pods`,
      });
    await target.grow(0, 3);
    await shown(3);
    await takeBack(1);
    expect(look(rig).hold).toBeNull();
    await target.grow(1, 3);
    await shown(3);
    await takeBack(1);
    expect(look(rig).hold).toMatch(/^mystery changed spec.replicas 2 times within ten minutes/);
  });
});

it('KEDA’s annotations on the Deployment are orders', async () => {
  await using rig = await startTargetRig({ deployment: { annotations: { 'autoscaling.keda.sh/paused-scale-in': 'true' } } });
  expect(look(rig).orders).toMatchObject({ pause: 'in', fixed: null });
  await rig.cluster.kubectl(['annotate', '-n', rig.namespace, 'deployment', rig.name, 'autoscaling.keda.sh/paused-replicas=2']);
  await until(() => look(rig).orders.fixed === 2, { what: 'an order' });
});

describe('a shield', () => {
  it('stands on busy pods only, and comes down after a while', async () => {
    await using rig = await startTargetRig();
    const [busy = '', idle = ''] = await rig.ready(2);
    rig.work({ [busy]: 1 });
    await until(async () => SHIELDED_BY_US in (await annotations(rig, busy)), { what: 'a shield' });
    expect(await annotations(rig, busy)).toMatchObject(SHIELD);
    expect(await annotations(rig, idle)).not.toHaveProperty(SHIELDED_BY_US);
    rig.work();
    rig.aheadMs = 11_000;
    await until(
      async () => {
        rig.work();
        return !(SHIELDED_BY_US in (await annotations(rig, busy)));
      },
      { what: 'the shield to come down' },
    );
    for (const name of Object.keys(SHIELD)) expect(await annotations(rig, busy)).not.toHaveProperty([name]);
  });

  it('left behind by an autoscaler that is gone comes down, one of the pod template stays', async () => {
    await using rig = await startTargetRig({ deployment: { podAnnotations: { 'karpenter.sh/do-not-disrupt': 'true' } } });
    const [left = '', own = ''] = await rig.ready(2);
    const path = resourcePath('Pod', rig.namespace, left);
    await rig.cluster.api.patch(path, {
      metadata: {
        annotations: {
          [SHIELDED_BY_US]: 'busy',
          'celeriac.dev/deletion-cost-before': '',
          'controller.kubernetes.io/pod-deletion-cost': '-2000',
        },
      },
    });
    rig.work();
    rig.aheadMs = 11_000;
    await until(
      async () => {
        rig.work();
        const now = await annotations(rig, left);
        return !(SHIELDED_BY_US in now) && !('controller.kubernetes.io/pod-deletion-cost' in now);
      },
      { what: 'shield and mark to be gone' },
    );
    expect(await annotations(rig, own)).toMatchObject({ 'karpenter.sh/do-not-disrupt': 'true' });
  });
});

describe('a kill', () => {
  it('of a pod with running tasks is told with its cause; one without is not', async () => {
    // Neither lets itself be told: killed when the grace of a second is over.
    const stubborn = { command: ['sh', '-c', "trap '' TERM; echo armed; while :; do sleep 1; done"], env: {} };
    await using rig = await startTargetRig({ deployment: { program: stubborn, graceS: 1 } });
    const [busy = '', idle = ''] = await rig.ready(2);
    await until(() => [busy, idle].every((pod) => rig.kubelet.output(pod).includes('armed')), { what: 'both to ignore SIGTERM' });
    rig.work({ [busy]: 3 });
    await rig.cluster.kubectl(['delete', 'pod', '-n', rig.namespace, busy, idle, '--wait=false']);
    await until(() => rig.killed.length > 0, { timeoutMs: 60_000, what: 'a kill' });
    await until(() => rig.kubelet.records.filter((record) => record.killed).length === 2, { timeoutMs: 60_000, what: 'both killed' });
    await until(async () => (await rig.events()).some(({ reason }) => reason === 'TasksKilled'), { what: 'an Event' });
    expect(rig.killed).toEqual([{ pod: busy, tasks: 3, cause: 'deletion' }]);
  });

  it('by running out of memory in place is told once', async () => {
    await using rig = await startTargetRig({ deployment: { program: { command: ['sleep', '600'], env: {} } } });
    const [one = ''] = await rig.ready(1);
    rig.work({ [one]: 2 });
    const pid = rig.kubelet.pid(one);
    if (pid === undefined) throw new Error('no process');
    process.kill(pid, 'SIGKILL');
    await until(() => rig.replicas().length > 0 && rig.killed.length > 0, { timeoutMs: 60_000, what: 'a kill' });
    expect(rig.killed).toEqual([{ pod: one, tasks: 2, cause: 'crash' }]);
  });
});

it('a grace period that is too short is said once', async () => {
  await using rig = await startTargetRig({ deployment: { graceS: 30 } });
  rig.work();
  await until(async () => (await rig.events()).some(({ reason }) => reason === 'GracePeriodTooShort'), { what: 'an Event' });
  rig.work();
  expect((await rig.events()).filter(({ reason }) => reason === 'GracePeriodTooShort')).toHaveLength(1);
});

it('a fence moves the version and nothing else, and is not taken for another writer', async () => {
  await using rig = await startTargetRig();
  const { cluster, namespace, name, target } = rig;
  await target.grow(0, 2);
  const read = () =>
    cluster.api.get<{ metadata: { resourceVersion: string; generation: number } }>(resourcePath('Deployment', namespace, name));
  await rig.ready(2);
  const before = await read();
  await target.fence();
  const after = await read();
  expect(after.metadata.resourceVersion).not.toBe(before.metadata.resourceVersion);
  expect(after.metadata.generation).toBe(before.metadata.generation);
  await target.grow(2, 3);
  await rig.ready(3);
  expect(look(rig).hold).toBeNull();
});

it('a rollout holds every shrink until it is over', async () => {
  await using rig = await startTargetRig();
  const [one = ''] = await rig.ready(3);
  await rig.target.mark([one]);
  using held = rig.kubelet.holdPending((pod) => pod.metadata.annotations?.['round'] === '2');
  const template = { metadata: { annotations: { round: '2' } } };
  await rig.cluster.api.patch(resourcePath('Deployment', rig.namespace, rig.name), { spec: { template } }, 'strategic');
  await until(() => /rollout is in progress/.test(look(rig).shrinkHold ?? ''), { what: 'a hold' });
  await expect(rig.target.remove([one])).rejects.toThrow(/rollout is in progress/);
  expect(rig.replicas().some((replica) => replica.empty)).toBe(false);
  held.release();
  await until(() => look(rig).shrinkHold === null, { timeoutMs: 60_000, what: 'the end of the rollout' });
});
