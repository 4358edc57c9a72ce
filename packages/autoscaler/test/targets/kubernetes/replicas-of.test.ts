import { describe, expect, it } from 'vitest';
import { livesAfter, type ReplicasInput, replicasOf } from '../../../src/targets/kubernetes/replicas-of.ts';
import { NOW } from '../../pool-fixtures.ts';
import { container, deployment, pod, replicaSet, unscheduled, waiting } from './slim-fixtures.ts';

const input = (changes: Partial<ReplicasInput> = {}): ReplicasInput => {
  const base = {
    nowMs: NOW,
    deployment: deployment(),
    replicaSets: [replicaSet()],
    pods: [],
    wanted: 0,
    asks: [],
    going: new Set<string>(),
    heardAtMs: new Map(),
    startTimeoutMs: 300_000,
    provisionTimeoutMs: 600_000,
    ...changes,
  };
  return { lives: livesAfter(new Map(), base), ...base };
};
const refusing = replicaSet({
  replicaFailure: { status: 'True', reason: 'FailedCreate', message: 'exceeded quota: pods', sinceMs: NOW },
});

describe('the replicas of a Deployment', () => {
  it('are its pods by name and host; those told to go are leaving, those that ended are none', () => {
    const pods = [
      pod('a'),
      pod('b', { hostname: 'bee' }),
      pod('c', { deletionAtMs: NOW + 5 }),
      pod('d', { phase: 'Failed', reason: 'Evicted' }),
      pod('e', { phase: 'Succeeded' }),
    ];
    const { replicas } = replicasOf(input({ pods, wanted: 2 }));
    expect(replicas).toMatchObject([
      { id: 'a', host: 'a', phase: 'running', nodename: null, empty: false },
      { id: 'b', host: 'bee', phase: 'running' },
      { id: 'c', phase: 'leaving', empty: false },
    ]);
  });

  it('have stand-ins for pods that are asked for and not there', () => {
    const { replicas, missing, refusal } = replicasOf(input({ pods: [pod('a')], wanted: 3, asks: [NOW - 40] }));
    expect(replicas.map(({ phase }) => phase)).toEqual(['running', 'running', 'running']);
    expect(replicas.slice(1)).toMatchObject([
      { empty: true, startedAtMs: NOW - 40, host: null },
      { empty: true, why: 'not made yet' },
    ]);
    expect([missing, refusal]).toEqual([2, null]);
  });

  it('are stuck where the API server refuses to make them', () => {
    const { replicas, refusal } = replicasOf(input({ pods: [pod('a')], wanted: 3, replicaSets: [refusing] }));
    expect(replicas.slice(1)).toMatchObject([
      { phase: 'stuck', why: 'FailedCreate: exceeded quota: pods', empty: true, probe: false },
      { phase: 'stuck' },
    ]);
    expect(refusal).toBe('exceeded quota: pods');
  });

  it('are not stuck for a refusal of before, until the controller has had the time to look again', () => {
    const before = replicaSet({ replicaFailure: { status: 'True', reason: 'FailedCreate', message: 'quota', sinceMs: NOW - 60_000 } });
    const asked = { pods: [pod('a')], wanted: 2, replicaSets: [before] };
    expect(replicasOf(input({ ...asked, asks: [NOW - 1_999] }))).toMatchObject({ refusal: null, refusalNoted: true });
    expect(replicasOf(input({ ...asked, asks: [NOW - 2_000] }))).toMatchObject({ refusal: 'quota' });
    expect(replicasOf(input({ ...asked, asks: [NOW - 60_900] }))).toMatchObject({ refusal: 'quota' });
  });

  it('are none too many while a shrink is under way', () => {
    expect(replicasOf(input({ pods: [pod('a'), pod('b')], wanted: 1 })).replicas).toHaveLength(2);
  });

  it('are leaving from the moment a shrink by them is written', () => {
    const pods = [pod('a'), pod('b'), pod('c')];
    expect(replicasOf(input({ pods, wanted: 2, going: new Set(['uid-b']) })).replicas.map(({ phase }) => phase)).toEqual([
      'running',
      'leaving',
      'running',
    ]);
  });

  it('began when we asked for them, as far as that can be told', () => {
    const made = (createdAtMs: number, asks: readonly number[]): number | undefined =>
      replicasOf(input({ pods: [pod('a', { createdAtMs })], wanted: 1, asks })).replicas[0]?.startedAtMs;
    // Creation times are cut to the second.
    expect(made(NOW - 5_000, [NOW - 4_300])).toBe(NOW - 4_300);
    expect(made(NOW - 5_000, [NOW - 3_900])).toBe(NOW - 5_000);
    expect(made(NOW - 5_000, [NOW - 9_000, NOW - 7_000, NOW - 100])).toBe(NOW - 7_000);
    expect(made(NOW - 5_000, [NOW - 66_000])).toBe(NOW - 5_000);
  });

  it.each([7_200_000, -7_200_000])('began between two looks of ours, though the clock of Kubernetes is %s ms ahead', (aheadMs) => {
    const made = pod('a', { createdAtMs: NOW + aheadMs });
    const seen = input({ pods: [made], wanted: 1 });
    const lives = livesAfter(new Map(), seen, NOW - 3_000);
    expect(replicasOf({ ...seen, lives }).replicas).toMatchObject([{ phase: 'running', startedAtMs: aheadMs > 0 ? NOW : NOW - 3_000 }]);
    // What was there at the first look may be as old as it says, but not younger than that look.
    const first = livesAfter(new Map(), seen);
    expect(first.get(made.uid)?.sinceMs).toBe(Math.min(NOW, NOW + aheadMs));
    const later = livesAfter(lives, { ...seen, nowMs: NOW + 60_000 }, NOW);
    expect(later.get(made.uid)?.sinceMs).toBe(lives.get(made.uid)?.sinceMs);
  });

  it('count from their new start when they are restarted in place', () => {
    const before = input({ pods: [pod('a')], wanted: 1 });
    const restarted = { ...before, nowMs: NOW + 2_000, pods: [pod('a', { containers: [container({ restarts: 1 })] })] };
    const lives = livesAfter(before.lives, restarted);
    expect(replicasOf({ ...restarted, lives }).replicas).toMatchObject([{ id: 'a', startedAtMs: NOW + 2_000 }]);
    const later = livesAfter(lives, { ...restarted, nowMs: NOW + 9_000 });
    expect(replicasOf({ ...restarted, nowMs: NOW + 9_000, lives: later }).replicas).toMatchObject([{ startedAtMs: NOW + 2_000 }]);
  });

  it('may go without being asked while they wait for a node, or when they are given up', () => {
    const image = waiting('bad', 'ImagePullBackOff');
    const early = input({ pods: [unscheduled('waits'), image, waiting('comes', 'ContainerCreating')], wanted: 3 });
    expect(replicasOf(early).replicas).toMatchObject([
      { id: 'waits', phase: 'running', empty: true, why: 'Unschedulable: 0/3 nodes are available' },
      { id: 'bad', phase: 'stuck', empty: false, probe: true },
      { id: 'comes', phase: 'running', empty: false },
    ]);
    const late = { ...early, nowMs: NOW + 30_000 };
    expect(replicasOf({ ...late, lives: livesAfter(early.lives, late) }).replicas).toMatchObject([{}, { id: 'bad', empty: true }, {}]);
  });

  it('keep the oldest that is stuck as the probe', () => {
    const pods = ['young', 'old', 'middle'].map((name, index) =>
      waiting(name, 'ErrImagePull', { createdAtMs: NOW - [1_000, 9_000, 5_000][index]! }),
    );
    expect(replicasOf(input({ pods, wanted: 3 })).replicas.filter(({ probe }) => probe)).toMatchObject([{ id: 'old' }]);
  });

  it('that run in silence are stuck, but never free to go', () => {
    const silent = input({ pods: [pod('a', { createdAtMs: NOW - 900_000 })], wanted: 1 });
    const later = { ...silent, nowMs: NOW + 60_000 };
    expect(replicasOf({ ...later, lives: livesAfter(silent.lives, later) }).replicas).toMatchObject([{ phase: 'stuck', empty: false }]);
  });

  it('long told to go are reported', () => {
    const { overdue, replicas } = replicasOf(input({ pods: [pod('a', { deletionAtMs: NOW - 61_000 })] }));
    expect(overdue).toMatchObject([{ pod: 'a', reason: 'Terminating' }]);
    expect(replicas).toMatchObject([{ phase: 'leaving', why: 'Terminating: still there 61 s after its grace period ended' }]);
  });
});
