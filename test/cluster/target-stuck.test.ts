// Pods that do not come up, on a real control plane: never counted as on their way, reported once, and over by themselves.

import { describe, expect, it } from 'vitest';
import { createQuota } from '../kubernetes/in-force.ts';
import { type KubeList, type KubeObject, resourcePath } from '../kubernetes/objects.ts';
import { until } from '../until.ts';
import { startTargetRig, type TargetRig } from './target-rig.ts';

const phases = (rig: TargetRig): readonly string[] => rig.replicas().map((replica) => replica.phase);
const growth = (rig: TargetRig) => rig.target.look(Date.now() + rig.aheadMs).growth;
const stuck = (rig: TargetRig): number => phases(rig).filter((phase) => phase === 'stuck').length;

describe('a quota', () => {
  it('stops growth at what could be made, costs a probe a minute, and is over when it is raised', async () => {
    await using rig = await startTargetRig({
      prepare: (cluster, namespace) => createQuota(cluster, namespace, 'few', { pods: '3' }),
    });
    const { target, cluster, namespace } = rig;
    await target.grow(0, 8);
    await until(() => stuck(rig) === 5, { what: 'five that could not be made' });
    // The three that were made may come up; nobody else.
    const refusal = { kind: 'limited', most: 3, reason: expect.stringMatching(/^FailedCreate: .*exceeded quota: few/) };
    expect(growth(rig)).toMatchObject(refusal);
    const unmade = rig.replicas().filter((replica) => replica.phase === 'stuck');
    expect(unmade.every((replica) => replica.empty && !replica.probe)).toBe(true);
    await until(() => rig.replicas().filter((replica) => replica.phase === 'running' && !replica.empty).length === 3, {
      what: 'three pods',
    });
    rig.work();
    await until(async () => (await rig.events()).some(({ reason }) => reason === 'ReplicasRefused'), { what: 'an Event' });

    await target.remove(unmade.map((replica) => replica.id));
    expect(await rig.wanted()).toBe(3);
    expect(await rig.pods()).toHaveLength(3);
    await until(() => phases(rig).length === 3 && stuck(rig) === 0, { what: 'three left' });
    // Clamped: the controller stops trying.
    const failures = async (): Promise<number> => {
      const list = await cluster.api.get<KubeList<KubeObject & { reason: string; count?: number }>>(
        `/api/v1/namespaces/${namespace}/events`,
      );
      return list.items.filter(({ reason }) => reason === 'FailedCreate').reduce((sum, event) => sum + (event.count ?? 1), 0);
    };
    const mayProbe = (): boolean => {
      const now = growth(rig);
      return now.kind === 'limited' && now.most === 4;
    };
    const before = await failures();
    expect(growth(rig)).toMatchObject({ most: 3, untilMs: expect.any(Number) });
    rig.aheadMs = 61_000;
    await until(mayProbe, { what: 'a probe' });
    await target.grow(3, 4);
    await until(() => stuck(rig) === 1, { what: 'the probe to be refused' });
    expect(growth(rig)).toMatchObject({ most: 3, untilMs: expect.any(Number) });
    await target.remove(rig.replicas().flatMap((replica) => (replica.phase === 'stuck' ? [replica.id] : [])));
    // The controller tries again at twice the time; whoever asked again and again would begin that anew.
    expect((await failures()) - before).toBeLessThan(24);

    await cluster.api.patch(resourcePath('ResourceQuota', namespace, 'few'), { spec: { hard: { pods: '10' } } });
    await until(mayProbe, { what: 'a probe at once, since the quota is another' });
    await target.grow(3, 4);
    await until(() => growth(rig).kind === 'open', { what: 'growth to be open again' });
    expect(rig.replicas()).toHaveLength(4);
  });
});

describe('pods that do not start', () => {
  it('for want of an image are trimmed to a probe, which opens growth when it comes up', async () => {
    await using rig = await startTargetRig();
    const { target, kubelet } = rig;
    const fault = kubelet.waitingReason(rig.name, 'ErrImagePull', 'no such manifest');
    await target.grow(0, 4);
    await until(() => stuck(rig) === 4, { what: 'four without an image' });
    expect(growth(rig)).toMatchObject({
      kind: 'limited',
      pending: 0,
      reason: expect.stringMatching(/^(ErrImagePull|ImagePullBackOff): container worker/),
    });
    expect(rig.replicas().some((replica) => replica.empty)).toBe(false);
    rig.work({});
    rig.aheadMs = 31_000;
    await until(() => rig.replicas().filter((replica) => replica.empty).length === 4, { what: 'given up' });
    const probe = rig.replicas().filter((replica) => replica.probe);
    expect(probe).toHaveLength(1);
    const others = rig.replicas().flatMap((replica) => (replica.probe ? [] : [replica.id]));
    await target.mark(others);
    await target.remove(others);
    expect(await rig.wanted()).toBe(1);
    await until(() => rig.replicas().filter((replica) => replica.phase !== 'leaving').length === 1, { what: 'the probe alone' });
    expect(rig.replicas().filter((replica) => replica.phase !== 'leaving')).toMatchObject([{ id: probe[0]?.id }]);
    fault.release();
    await until(() => phases(rig).includes('running'), { what: 'the probe to come up' });
    expect(growth(rig)).toMatchObject({ pending: 1 });
    rig.work();
    expect(growth(rig)).toEqual({ kind: 'open' });
  });

  it('for want of a node wait for one, then are stuck; those too many go without being asked', async () => {
    await using rig = await startTargetRig();
    const { target } = rig;
    const ids = await rig.ready(2);
    using _held = rig.kubelet.holdPending(rig.name, '0/1 nodes are available');
    await target.grow(2, 6);
    await until(() => rig.replicas().filter((replica) => replica.empty && replica.host !== null).length === 4, {
      what: 'four without a node',
    });
    expect(stuck(rig)).toBe(0);
    // The controller says later than by its pods that it has acted.
    await until(() => target.look(Date.now()).shrinkHold === null, { what: 'nothing against a shrink' });
    const waiting = rig.replicas().filter((replica) => replica.empty);
    // Three of four that differ in nothing: whichever they are, nothing runs in them.
    await target.remove(waiting.slice(0, 3).map((replica) => replica.id));
    expect(await rig.wanted()).toBe(3);
    expect((await rig.pods()).map((pod) => pod.metadata.name)).toEqual(expect.arrayContaining([...ids]));
    rig.work();
    rig.aheadMs = 61_000;
    await until(() => stuck(rig) === 1, { what: 'one stuck' });
    rig.work();
    expect(growth(rig)).toMatchObject({
      kind: 'limited',
      pending: 0,
      reason: expect.stringMatching(/^Unschedulable: no node for it in 60 s/),
    });
    await until(async () => (await rig.events()).some(({ message }) => message.startsWith('Unschedulable: pod worker-')), {
      what: 'an Event',
    });
    expect((await rig.events()).filter(({ reason }) => reason === 'ReplicasStuck')).toHaveLength(1);
  });

  it('but run in silence are stuck and stay', async () => {
    await using rig = await startTargetRig();
    const [one = '', two = ''] = await rig.ready(2);
    rig.target.observe({ up: new Set([one]), busy: new Set([two]), active: new Map([[one, 0]]) });
    rig.aheadMs = 61_000;
    rig.target.observe({ up: new Set([one]), busy: new Set([two]), active: new Map([[one, 0]]) });
    expect(rig.replicas().find((replica) => replica.id === two)).toMatchObject({
      phase: 'stuck',
      empty: false,
      why: expect.stringMatching(/^NoHeartbeat/),
    });
    expect(rig.replicas().find((replica) => replica.id === one)).toMatchObject({ phase: 'running' });
    rig.target.observe({ up: new Set([one, two]), busy: new Set(), active: new Map() });
    expect(phases(rig)).toEqual(['running', 'running']);
  });
});
