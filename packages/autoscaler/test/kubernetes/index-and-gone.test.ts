import { describe, expect, it } from 'vitest';
import { createAdmission } from '../../src/kubernetes/admission.ts';
import { GonePods } from '../../src/kubernetes/gone-pods.ts';
import { OwnerIndex } from '../../src/kubernetes/owner-index.ts';
import { projectDeployment, projectReplicaSet } from '../../src/kubernetes/project-deployment.ts';
import { projectPod } from '../../src/kubernetes/project-pod.ts';
import type { SlimDeployment, SlimPod, SlimReplicaSet } from '../../src/kubernetes/slim.ts';

const meta = (uid: string, kind?: string, owner = '') => ({
  ...{ uid, name: `name-of-${uid}`, namespace: 'app', resourceVersion: '1' },
  ownerReferences: kind === undefined ? [] : [{ kind, uid: owner, name: `name-of-${owner}`, controller: true }],
});
const deployment = (uid: string): SlimDeployment => projectDeployment({ metadata: meta(uid) }) as SlimDeployment;
const replicaSet = (uid: string, owner: string): SlimReplicaSet =>
  projectReplicaSet({ metadata: meta(uid, 'Deployment', owner) }) as SlimReplicaSet;
const pod = (uid: string, owner: string): SlimPod => projectPod({ metadata: meta(uid, 'ReplicaSet', owner) }) as SlimPod;
const uids = (objects: readonly { readonly uid: string }[]): readonly string[] => objects.map(({ uid }) => uid).toSorted();

describe('who owns what', () => {
  it('is known in whatever order it is told', () => {
    const index = new OwnerIndex();
    index.putPod(pod('p1', 'r1'));
    expect(index.podsOf('d1')).toEqual([]);
    expect(index.deploymentOf(pod('p1', 'r1'))).toBeNull();
    index.putReplicaSet(replicaSet('r1', 'd1'));
    index.putReplicaSet(replicaSet('r2', 'd1'));
    index.putPod(pod('p2', 'r2'));
    index.putPod(pod('p3', 'elsewhere'));
    index.putDeployment(deployment('d1'));
    expect(uids(index.podsOf('d1'))).toEqual(['p1', 'p2']);
    expect(uids(index.replicaSetsOf('d1'))).toEqual(['r1', 'r2']);
    index.dropPod(pod('p1', 'r1'));
    expect(uids(index.podsOf('d1'))).toEqual(['p2']);
  });

  it('stays known for pods that outlive their ReplicaSet, and is forgotten with the last', () => {
    const index = new OwnerIndex();
    index.putReplicaSet(replicaSet('r1', 'd1'));
    index.putPod(pod('p1', 'r1'));
    index.dropReplicaSet(replicaSet('r1', 'd1'));
    expect(index.replicaSetsOf('d1')).toEqual([]);
    expect(uids(index.podsOf('d1'))).toEqual(['p1']);
    expect(index.deploymentOf(pod('p1', 'r1'))).toEqual({ uid: 'd1', name: 'name-of-d1' });
    index.dropPod(pod('p1', 'r1'));
    expect(index.deploymentOf(pod('p1', 'r1'))).toBeNull();
  });

  it('does not lose a Deployment that was made anew before the end of the old one was told', () => {
    const index = new OwnerIndex();
    const old = { ...deployment('old'), name: 'web' };
    index.putDeployment(old);
    index.putDeployment({ ...deployment('new'), name: 'web' });
    index.dropDeployment(old);
    expect(index.deployments.get('web')?.uid).toBe('new');
  });
});

it('keeps ended pods for a minute, once each', () => {
  const gone = new GonePods();
  const ended = (uid: string, goneAtMs: number) => ({ pod: pod(uid, 'r1'), deploymentUid: 'd1', deployment: 'web', goneAtMs });
  expect(gone.add(ended('p1', 0))).toBe(true);
  expect(gone.add(ended('p1', 5))).toBe(false);
  expect(gone.add(ended('p2', 30_000))).toBe(true);
  expect(gone.of('d1', 59_999).map((one) => one.pod.uid)).toEqual(['p1', 'p2']);
  expect(gone.of('d1', 60_000).map((one) => one.pod.uid)).toEqual(['p2']);
  expect(gone.of('d2', 60_000)).toEqual([]);
});

describe('the door of all requests', () => {
  const open = new AbortController().signal;

  it('lets urgent ones through before background ones that came earlier', async () => {
    // It stands until all are at the door: a slow machine would let one in on the way there.
    let stands = true;
    const admission = createAdmission({ now: () => (stands ? 0 : performance.now()), perSecond: 50, burst: 1 });
    const order: string[] = [];
    const enter = (priority: 'urgent' | 'background', name: string) => admission.admit(priority, open).then(() => order.push(name));
    await enter('urgent', 'first');
    const others = [enter('background', 'a'), enter('background', 'b'), enter('urgent', 'c'), enter('urgent', 'd')];
    expect(admission.waiting).toBe(4);
    stands = false;
    await Promise.all(others);
    expect(order).toEqual(['first', 'c', 'd', 'a', 'b']);
  });

  it('lets go of one that is given up while it waits', async () => {
    const admission = createAdmission({ now: () => 0, perSecond: 1, burst: 1 });
    await admission.admit('urgent', open);
    const giving = new AbortController();
    const waiting = admission.admit('urgent', giving.signal);
    expect(admission.waiting).toBe(1);
    giving.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'CELERIAC_E_KUBERNETES', data: { reason: 'Aborted', outcomeUnknown: false } });
    expect(admission.waiting).toBe(0);
    await expect(admission.admit('urgent', giving.signal)).rejects.toMatchObject({ data: { reason: 'Aborted' } });
  });
});
