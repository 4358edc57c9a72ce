import { describe, expect, it } from 'vitest';
import type { SlimPod } from '../../../src/kubernetes/slim.ts';
import { DELETION_COST } from '../../../src/targets/kubernetes/pod-facts.ts';
import { removalOf } from '../../../src/targets/kubernetes/removal.ts';
import { livesAfter, replicasOf } from '../../../src/targets/kubernetes/replicas-of.ts';
import { NOW } from '../../pool-fixtures.ts';
import { deployment, pod, replicaSet, unscheduled } from './slim-fixtures.ts';

const marked = { annotations: { [DELETION_COST]: '-2000' } };
const removal = (ids: readonly string[], wanted: number, pods: readonly SlimPod[], objects = {}) => {
  const all = { deployment: deployment(), replicaSets: [replicaSet()], pods, ...objects };
  const timeouts = { startTimeoutMs: 300_000, provisionTimeoutMs: 600_000 };
  const input = { ...all, ...timeouts, nowMs: NOW, wanted, asks: [], going: new Set<string>(), heardAtMs: new Map() };
  const { replicas } = replicasOf({ ...input, lives: livesAfter(new Map(), input) });
  return removalOf(ids, wanted, replicas, all);
};

describe('a shrink by named pods', () => {
  it('is the number without them, where they go first', () => {
    expect(removal(['b', 'c'], 4, [pod('a'), pod('b', marked), pod('c', marked), pod('d')])).toMatchObject({
      kind: 'write',
      to: 2,
      pods: [{ name: 'b' }, { name: 'c' }],
    });
  });

  it('does not count those that went already', () => {
    const pods = [pod('a'), pod('b', marked), pod('c', { ...marked, deletionAtMs: NOW })];
    expect(removal(['b', 'c', 'd'], 2, pods)).toMatchObject({ kind: 'write', to: 1 });
    expect(removal(['c', 'd'], 2, pods)).toEqual({ kind: 'nothing' });
  });

  it('is refused where another pod might go', () => {
    expect(removal(['b'], 2, [pod('a'), pod('b')])).toMatchObject({ kind: 'refused', why: /might be taken in place/ });
    expect(removal(['b'], 3, [pod('a', marked), pod('b', marked), pod('c')])).toMatchObject({ kind: 'refused' });
    expect(removal(['b'], 3, [pod('a', { annotations: { [DELETION_COST]: '-5000' } }), pod('b', marked), pod('c')])).toEqual({
      kind: 'refused',
      why: 'pod a might be taken in place of the ones that are meant',
    });
  });

  it('is refused for a pod that is not ready, and in a rollout', () => {
    expect(removal(['b'], 2, [pod('a', { ready: false }), pod('b', marked)])).toEqual({
      kind: 'refused',
      why: 'pod a is not ready and would be taken before any other',
    });
    const two = [replicaSet(), replicaSet({ uid: 'rs-2', name: 'worker-2' })];
    expect(removal(['b'], 2, [pod('a'), pod('b', marked)], { replicaSets: two })).toMatchObject({ why: /rollout is in progress/ });
  });

  it('is refused while more pods are there than are wanted: those go first', () => {
    expect(removal(['b'], 2, [pod('a'), pod('b', marked), pod('c')])).toMatchObject({ kind: 'refused' });
  });

  it('takes those without a node whichever they are, and those not made by their number', () => {
    const pods = [pod('a'), unscheduled('u1'), unscheduled('u2'), unscheduled('u3')];
    expect(removal(['u1'], 4, pods)).toMatchObject({ kind: 'write', to: 3 });
    expect(removal(['worker (asked for, 1)', 'worker (asked for, 2)'], 6, pods)).toMatchObject({ kind: 'write', to: 4, pods: [] });
  });

  it('does not take one that runs while one without a node stays', () => {
    expect(removal(['b'], 3, [pod('a'), pod('b', marked), unscheduled('u')])).toEqual({
      kind: 'refused',
      why: 'another pod would be taken before b',
    });
    expect(removal(['b', 'u'], 3, [pod('a'), pod('b', marked), unscheduled('u')])).toMatchObject({ kind: 'write', to: 1 });
  });
});
