import { describe, expect, it } from 'vitest';
import { noOrders } from '../../../src/decide/seen.ts';
import { graceFault } from '../../../src/targets/kubernetes/grace.ts';
import { ordersOf } from '../../../src/targets/kubernetes/keda-annotations.ts';
import { killedBy } from '../../../src/targets/kubernetes/killed.ts';
import { DELETION_COST } from '../../../src/targets/kubernetes/pod-facts.ts';
import { COST_BEFORE_BUSY, SHIELD, SHIELDED_BY_US, shieldPatches } from '../../../src/targets/kubernetes/shield.ts';
import { NOW } from '../../pool-fixtures.ts';
import { container, pod } from './slim-fixtures.ts';

describe('KEDA’s annotations', () => {
  const of = (entries: Record<string, string>) =>
    ordersOf(Object.fromEntries(Object.entries(entries).map(([name, value]) => [`autoscaling.keda.sh/${name}`, value])));
  it('order what they say', () => {
    expect(of({})).toEqual(noOrders);
    expect(of({ paused: 'true' })).toEqual({ pause: 'all', fixed: null, forceActive: false, by: 'annotation autoscaling.keda.sh/paused' });
    expect(of({ 'paused-scale-in': 'true' })).toMatchObject({ pause: 'in' });
    expect(of({ 'paused-scale-out': 'true' })).toMatchObject({ pause: 'out' });
    expect(of({ 'paused-scale-out': 'true', 'paused-scale-in': 'true' })).toMatchObject({ pause: 'all' });
    expect(of({ 'paused-replicas': '3', paused: 'true' })).toMatchObject({ pause: null, fixed: 3 });
    expect(of({ 'force-activation': 'true' })).toMatchObject({ pause: null, forceActive: true });
  });
  it('count as true unless they say false', () => {
    for (const value of ['', 'yes', 'TRUE', '1']) expect(of({ paused: value })).toMatchObject({ pause: 'all' });
    for (const value of ['false', 'False', '0', 'f']) expect(of({ paused: value })).toEqual(noOrders);
    expect(of({ 'paused-replicas': 'many' })).toEqual(noOrders);
  });
});

describe('the grace period', () => {
  it('must cover the longest task and a worker’s slow exit', () => {
    expect(graceFault(null, 35_000)).toMatch(/^terminationGracePeriodSeconds is 30:.*give it 35 at least/);
    expect(graceFault(35, 35_000)).toBeNull();
    expect(graceFault(64, 64_500)).toMatch(/give it 65 at least/);
  });
});

describe('the shield', () => {
  const ours = { ...SHIELD, [SHIELDED_BY_US]: 'busy' };
  it('goes up at once and down after a while of idleness', () => {
    const bare = pod('a');
    const shielded = pod('a', { annotations: ours });
    expect(shieldPatches(NOW, [bare], new Map([['uid-a', NOW]]))).toEqual([{ pod: bare, annotations: ours }]);
    expect(shieldPatches(NOW, [shielded], new Map([['uid-a', NOW]]))).toEqual([]);
    expect(shieldPatches(NOW + 9_999, [shielded], new Map([['uid-a', NOW]]))).toEqual([]);
    expect(shieldPatches(NOW + 10_000, [shielded], new Map([['uid-a', NOW]]))).toEqual([
      {
        pod: shielded,
        annotations: {
          'karpenter.sh/do-not-disrupt': null,
          'cluster-autoscaler.kubernetes.io/safe-to-evict': null,
          [SHIELDED_BY_US]: null,
        },
      },
    ]);
  });
  it('leaves alone what others put up, pods that go, and pods it knows nothing of', () => {
    const busy = new Map([['uid-a', NOW - 60_000]]);
    expect(shieldPatches(NOW, [pod('a', { annotations: { ...SHIELD } })], busy)).toEqual([]);
    expect(shieldPatches(NOW, [pod('a', { deletionAtMs: NOW })], new Map([['uid-a', NOW]]))).toEqual([]);
    expect(shieldPatches(NOW, [pod('a', { annotations: ours })], new Map())).toEqual([]);
  });
  it('raises the deletion cost with it where somebody else scales, and leaves it as it stood', () => {
    const raisesCost = { raisesCost: true };
    const busy = new Map([['uid-a', NOW]]);
    const up = (annotations: Record<string, string>) => shieldPatches(NOW, [pod('a', { annotations })], busy, raisesCost)[0]?.annotations;
    const down = (annotations: Record<string, string | null> | undefined) => {
      const carried = Object.fromEntries(Object.entries(annotations ?? {}).map(([name, value]) => [name, value ?? '']));
      return shieldPatches(NOW + 10_000, [pod('a', { annotations: carried })], busy, raisesCost)[0]?.annotations;
    };
    expect(up({})).toEqual({ ...ours, [DELETION_COST]: '2000', [COST_BEFORE_BUSY]: '' });
    expect(down(up({}))).toMatchObject({ [DELETION_COST]: null, [COST_BEFORE_BUSY]: null, [SHIELDED_BY_US]: null });
    expect(up({ [DELETION_COST]: '-5' })).toMatchObject({ [DELETION_COST]: '1995', [COST_BEFORE_BUSY]: '-5' });
    expect(down(up({ [DELETION_COST]: '-5' }))).toMatchObject({ [DELETION_COST]: '-5' });
    expect(up({ [DELETION_COST]: '2147483647' })).toMatchObject({ [DELETION_COST]: '2147483647' });
    // A shield of the pod template stays where it is.
    expect(up({ ...SHIELD })).toEqual({ [DELETION_COST]: '2000', [COST_BEFORE_BUSY]: '' });
    expect(down({ ...SHIELD, ...up({ ...SHIELD }) })).toEqual({ [DELETION_COST]: null, [COST_BEFORE_BUSY]: null });
    // Raised once, not again and again.
    expect(up({ ...ours, [DELETION_COST]: '2000', [COST_BEFORE_BUSY]: '' })).toBeUndefined();
  });
  it('changes a bounded number of pods in one turn, busy ones first', () => {
    const idle = Array.from({ length: 30 }, (_, index) => pod(`i${index}`, { annotations: ours }));
    const busy = Array.from({ length: 15 }, (_, index) => pod(`b${index}`));
    const since = new Map([...idle.map((one) => [one.uid, NOW - 60_000] as const), ...busy.map((one) => [one.uid, NOW] as const)]);
    const patches = shieldPatches(NOW, [...idle, ...busy], since);
    expect(patches).toHaveLength(20);
    expect(patches.filter((patch) => patch.pod.name.startsWith('b'))).toHaveLength(15);
  });
});

describe('a kill', () => {
  const how = { removed: false, rollout: false };
  const ended = (exitCode: number, reason = 'Error') => [container({ terminatedExitCode: exitCode, terminatedReason: reason })];
  const told = { deletionAtMs: NOW - 1_000 };
  it('is an end by SIGKILL, at the deadline or for memory while tasks ran', () => {
    expect(killedBy(pod('a', { ...told, containers: ended(137) }), NOW, 2, { ...how, removed: true })).toEqual({
      pod: 'a',
      tasks: 2,
      cause: 'scale-in',
    });
    expect(killedBy(pod('a', told), NOW, 1, how)).toMatchObject({ cause: 'deletion' });
    expect(killedBy(pod('a', { reason: 'Evicted', containers: ended(137) }), NOW, 1, how)).toMatchObject({ cause: 'eviction' });
    expect(killedBy(pod('a', { containers: ended(137, 'OOMKilled') }), null, 1, how)).toMatchObject({ cause: 'oom' });
    expect(killedBy(pod('a', { ...told, containers: ended(137) }), NOW, 1, { ...how, rollout: true })).toMatchObject({ cause: 'rollout' });
  });
  it('is none where nothing ran, or where the worker ended by itself in time', () => {
    expect(killedBy(pod('a', { ...told, containers: ended(137) }), NOW, 0, how)).toBeNull();
    expect(killedBy(pod('a', { ...told, containers: ended(0) }), NOW, 3, how)).toBeNull();
    expect(killedBy(pod('a', { deletionAtMs: NOW + 1_000 }), NOW, 3, how)).toBeNull();
  });
});
