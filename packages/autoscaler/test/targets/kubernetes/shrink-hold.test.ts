import { expect, it } from 'vitest';
import { shrinkHold as holdOf } from '../../../src/targets/kubernetes/shrink-hold.ts';
import { NOW } from '../../pool-fixtures.ts';
import { container, deployment, pod, replicaSet, unscheduled, waiting } from './slim-fixtures.ts';

const set = [replicaSet()];
const shrinkHold = (
  of: ReturnType<typeof deployment>,
  replicaSets: readonly ReturnType<typeof replicaSet>[],
  pods: readonly ReturnType<typeof pod>[],
  empty: readonly string[] = [],
): string | null => holdOf({ deployment: of, replicaSets, pods }, new Set(empty));

it('holds nothing where all pods that run are ready', () => {
  expect(shrinkHold(deployment(), set, [pod('a'), pod('b')])).toBeNull();
});

it('is not held up by pods in which nothing runs, nor by those that go', () => {
  const crashing = pod('c', { ready: false, containers: [container({ ready: false, waitingReason: 'CrashLoopBackOff' })] });
  const pods = [pod('a'), unscheduled('b'), crashing, waiting('d', 'ImagePullBackOff'), pod('e', { ready: false, deletionAtMs: NOW })];
  expect(shrinkHold(deployment(), set, pods, ['b', 'c', 'd'])).toBeNull();
  expect(shrinkHold(deployment(), set, pods, ['b', 'c'])).toMatch(/^pod d is not ready/);
});

it('holds for a pod that runs and is not ready, for it goes first', () => {
  expect(shrinkHold(deployment(), set, [pod('a'), pod('b', { ready: false })])).toBe(
    'pod b is not ready and would be taken before any other',
  );
  expect(shrinkHold(deployment(), set, [pod('a'), pod('b', { phase: 'Unknown' })])).toMatch(/pod b is not ready/);
});

it('holds during a rollout', () => {
  const old = replicaSet({ uid: 'rs-0', name: 'worker-0', replicas: 0, statusReplicas: 0 });
  expect(shrinkHold(deployment({ paused: true }), set, [])).toMatch(/paused in a rollout/);
  expect(shrinkHold(deployment({ generation: 2 }), set, [])).toMatch(/not yet acted/);
  expect(shrinkHold(deployment(), [old, ...set], [pod('a')])).toBeNull();
  expect(shrinkHold(deployment(), [{ ...old, statusReplicas: 1 }, ...set], [])).toBe(
    'a rollout is in progress: worker-0 and worker-1 both have pods',
  );
  expect(shrinkHold(deployment(), [old, ...set], [pod('a'), pod('b', { replicaSetUid: 'rs-0' })])).toMatch(/both have pods/);
  expect(shrinkHold(deployment({ revision: '2' }), set, [pod('a')])).toMatch(/is revision 1, the Deployment is at 2/);
  expect(shrinkHold(deployment({ deletionAtMs: NOW }), set, [])).toMatch(/being deleted/);
});
