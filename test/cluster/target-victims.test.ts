// Whom the real ReplicaSet controller deletes, and that a shrink takes exactly those it means.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { projectPod } from '../../packages/autoscaler/src/kubernetes/project-pod.ts';
import type { SlimPod } from '../../packages/autoscaler/src/kubernetes/slim.ts';
import { DELETION_COST } from '../../packages/autoscaler/src/targets/kubernetes/pod-facts.ts';
import { victimsOf } from '../../packages/autoscaler/src/targets/kubernetes/victims-of.ts';
import { startControlPlane } from '../kubernetes/control-plane.ts';
import { workerDeployment } from '../kubernetes/manifests.ts';
import { type KubeList, type KubeObject, resourcePath } from '../kubernetes/objects.ts';
import { until } from '../until.ts';
import { startTargetRig, type TargetRig } from './target-rig.ts';

const ROUNDS = process.env['CELERIAC_CLUSTER_LONG'] === '1' ? 60 : 12;
const PODS = 8;

const slimPods = async ({ cluster, namespace, name }: TargetRig): Promise<readonly SlimPod[]> => {
  const list = await cluster.api.get<KubeList<KubeObject>>(resourcePath('Pod', namespace), { labelSelector: `app=${name}` });
  return list.items.flatMap((pod) => projectPod(pod) ?? []);
};
const names = (pods: readonly SlimPod[]): readonly string[] => pods.map((pod) => pod.name).toSorted();

/** Our Events for a reason, as soon as there is one: they are written in the background. */
const told = (rig: TargetRig, reason: string): ReturnType<TargetRig['events']> =>
  until(
    async () => {
      const events = (await rig.events()).filter((event) => event.reason === reason);
      return events.length > 0 ? events : undefined;
    },
    { what: `an Event ${reason}` },
  );

describe('the real ReplicaSet controller', () => {
  it(`deletes whom we say it will, in ${ROUNDS} random sets of pods`, { timeout: 400_000 }, async () => {
    await using rig = await startTargetRig();
    const { cluster, namespace, kubelet } = rig;
    const kind = fc.record({
      state: fc.constantFrom('ready', 'ready', 'ready', 'unready', 'unassigned'),
      cost: fc.constantFrom(null, null, '-2000', '-5', '0', '7', '2000'),
    });
    const scenario = fc.record({
      kinds: fc.array(kind, { minLength: PODS, maxLength: PODS }),
      count: fc.integer({ min: 1, max: PODS - 1 }),
    });
    let certain = 0;
    for (const { kinds, count } of fc.sample(scenario, { numRuns: ROUNDS, seed: 20_261_121 })) {
      await rig.ready(0);
      const unassigned = kinds.filter(({ state }) => state === 'unassigned').length;
      await rig.ready(PODS - unassigned);
      using _held = kubelet.holdPending(rig.name);
      await cluster.api.patch(resourcePath('Deployment', namespace, rig.name, 'scale'), { spec: { replicas: PODS } });
      await until(async () => (await rig.pods()).length === PODS, { what: `${PODS} pods` });
      const pods = await slimPods(rig);
      const order = [...pods].sort((a, b) => Number(a.nodeName === null) - Number(b.nodeName === null));
      const plan = kinds.toSorted((a, b) => Number(a.state === 'unassigned') - Number(b.state === 'unassigned'));
      const faults = await Promise.all(
        order.map(async (pod, index) => {
          const { state, cost } = plan[index] ?? { state: 'ready', cost: null };
          if (cost !== null) {
            await cluster.api.patch(resourcePath('Pod', namespace, pod.name), { metadata: { annotations: { [DELETION_COST]: cost } } });
          }
          return state === 'unready' ? kubelet.setReady(pod.name, false) : undefined;
        }),
      );
      const unready = plan.filter(({ state }) => state === 'unready').length;
      await until(async () => (await slimPods(rig)).filter((pod) => pod.nodeName !== null && !pod.ready).length === unready, {
        what: `${unready} pods that are not ready`,
      });
      const before = await slimPods(rig);
      const said = victimsOf(before, count);
      await cluster.api.patch(resourcePath('Deployment', namespace, rig.name, 'scale'), { spec: { replicas: PODS - count } });
      await until(async () => (await rig.pods()).length === PODS - count, { what: 'the shrink' });
      const left = new Set((await rig.pods()).map((pod) => pod.metadata.name));
      const went = before.filter((pod) => !left.has(pod.name));
      if (said.kind === 'certain') {
        certain += 1;
        expect(names(went)).toEqual(names(said.pods));
      } else {
        for (const pod of said.certain) expect(names(went)).toContain(pod.name);
        const possible = names([...said.certain, ...said.between]);
        for (const pod of went) expect(possible).toContain(pod.name);
      }
      for (const fault of faults) fault?.release();
    }
    // Ties alone would prove nothing.
    expect(certain).toBeGreaterThan(ROUNDS / 4);
  });
});

describe('a shrink', () => {
  it('takes exactly the marked, in one write, and leaves no mark behind', async () => {
    await using rig = await startTargetRig();
    const ids = await rig.ready(7);
    const going = [1, 3, 4, 6].map((index) => ids[index] ?? '');
    const { target } = rig;
    await target.mark(going);
    await target.remove(going);
    expect(await rig.wanted()).toBe(3);
    await until(async () => (await rig.pods()).length === 3, { what: 'the shrink' });
    expect((await rig.pods()).map((pod) => pod.metadata.name).toSorted()).toEqual(ids.filter((id) => !going.includes(id)).toSorted());
    const [one = '', two = ''] = ids.filter((id) => !going.includes(id));
    await target.mark([one, two]);
    await target.unmark([one, two]);
    for (const pod of await rig.pods()) expect(pod.metadata.annotations ?? {}).not.toHaveProperty(DELETION_COST);
    expect(rig.wrong).toEqual([]);
    expect(await told(rig, 'ScaledDown')).toMatchObject([{ type: 'Normal', message: expect.stringMatching(/^from 7 to 3: worker-/) }]);
  });

  it('is refused for pods that are not marked, for a busy pod that is not ready, and without the right to write', async () => {
    await using rig = await startTargetRig();
    const [one = '', two = '', three = ''] = await rig.ready(3);
    const { target } = rig;
    await expect(target.remove([one])).rejects.toThrow(/might be taken in place|would be taken before/);
    await target.mark([one]);
    using unready = rig.kubelet.setReady(three, false);
    await until(() => target.look(Date.now()).shrinkHold !== null, { what: 'a hold' });
    await expect(target.remove([one])).rejects.toThrow(new RegExp(`${three} is not ready and would be taken before any other`));
    unready.release();
    await until(() => target.look(Date.now()).shrinkHold === null, { what: 'the end of the hold' });
    await expect(target.remove([two])).rejects.toThrow(/still marked/);
    rig.mayWrite = false;
    await expect(target.remove([one])).rejects.toThrow(/the right to write is gone/);
    expect(await rig.wanted()).toBe(3);
    rig.mayWrite = true;
    await target.remove([one]);
    await until(async () => (await rig.pods()).length === 2, { what: 'the shrink' });
    expect((await rig.pods()).map((pod) => pod.metadata.name).toSorted()).toEqual([two, three].toSorted());
  });

  it('counts from what is there when somebody scales at the same time', async () => {
    await using rig = await startTargetRig();
    const [one = ''] = await rig.ready(3);
    const { target, cluster, namespace, name } = rig;
    await target.mark([one]);
    await cluster.api.patch(resourcePath('Deployment', namespace, name, 'scale'), { spec: { replicas: 5 } });
    await target.remove([one]).catch(() => undefined);
    await until(async () => [4, 5].includes(await rig.wanted()), { what: 'four or five' });
    // Never 2: the number that was three minus one when somebody else made it five.
    expect(await rig.wanted()).toBeGreaterThanOrEqual(4);
    const seen = target.look(Date.now()).replicas;
    expect(seen.kind === 'reading' && seen.value.filter((replica) => replica.phase !== 'leaving').length).toBeGreaterThanOrEqual(3);
  });

  it('grows by what is asked for, whatever number is there', async () => {
    await using rig = await startTargetRig();
    await rig.target.grow(0, 4, 'four tasks wait');
    expect(await rig.wanted()).toBe(4);
    expect(await told(rig, 'ScaledUp')).toMatchObject([{ message: 'from 0 to 4: four tasks wait' }]);
    // Asked for and not made yet, made and not started, or up: four in all cases.
    expect(rig.replicas()).toHaveLength(4);
    await until(() => rig.replicas().every((replica) => replica.host !== null && !replica.empty), { what: 'four pods' });
    await rig.target.grow(4, 6);
    expect(await rig.wanted()).toBe(6);
  });

  it('grows to what is asked for where that was decided without sight of the replicas, though they are in sight again', async () => {
    await using rig = await startTargetRig();
    const { cluster, namespace, name, target } = rig;
    const other = rig.another();
    const kindFor = (one: typeof target): string => one.look(Date.now()).replicas.kind;
    await cluster.api.delete(resourcePath('Deployment', namespace, name));
    await until(() => kindFor(target) === 'unavailable', { what: 'no Deployment in the view' });
    await cluster.created(namespace, workerDeployment({ name, replicas: 2 }));
    // seen by another one: the target itself does not look again before it is told to grow
    await until(() => kindFor(other) === 'reading', { what: 'the Deployment in the view' });
    await target.grow(0, 4);
    expect(await rig.wanted()).toBe(4);
    await target.grow(0, 3);
    expect(await rig.wanted()).toBe(4);
  });
});

describe('a shrink that the controllers have not come to', () => {
  it('stands: whom it meant is leaving for every holder of the lease, and spared by name when more are wanted again', async () => {
    await using cluster = await startControlPlane();
    await using rig = await startTargetRig({ cluster });
    const ids = await rig.ready(5);
    const [one = '', two = ''] = ids;
    const { target } = rig;
    const leaving = (seen: ReturnType<typeof target.look>): readonly string[] =>
      seen.replicas.kind === 'reading'
        ? seen.replicas.value.flatMap(({ id, phase }) => (phase === 'leaving' ? [id] : []))
        : ['unavailable'];
    await target.mark([one, two]);
    await cluster.freezeControllers();
    await target.remove([one, two]);
    expect(await rig.wanted()).toBe(3);
    expect(await rig.pods()).toHaveLength(5);
    // as soon as the view has the number that was written
    const leave = async (of: typeof target, count: number): Promise<readonly string[]> =>
      until(
        () => {
          const gone = leaving(of.look(Date.now()));
          return gone.length === count ? gone : undefined;
        },
        { what: `${count} to leave` },
      );
    expect((await leave(target, 2)).toSorted()).toEqual([one, two].toSorted());
    const next = rig.another();
    expect((await leave(next, 2)).toSorted()).toEqual([one, two].toSorted());
    // Nothing it does by itself takes the marks off.
    next.observe({ up: new Set(ids), busy: new Set(), active: new Map() });

    await next.grow(3, 4);
    expect(await rig.wanted()).toBe(4);
    const [still = ''] = await leave(next, 1);
    const spared = still === one ? two : one;
    await next.unmark([spared]);
    cluster.thawControllers();
    await until(async () => (await rig.pods()).length === 4, { timeoutMs: 60_000, what: 'the shrink' });
    expect((await rig.pods()).map((pod) => pod.metadata.name).toSorted()).toEqual(ids.filter((id) => id !== still).toSorted());
    expect(rig.wrong).toEqual([]);
  });
});
