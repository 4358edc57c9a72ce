import { describe, expect, it } from 'vitest';
import type { SlimPod } from '../../../src/kubernetes/slim.ts';
import { DELETION_COST } from '../../../src/targets/kubernetes/pod-facts.ts';
import { livesAfter, replicasOf } from '../../../src/targets/kubernetes/replicas-of.ts';
import { safeNumber } from '../../../src/targets/kubernetes/safe-number.ts';
import { NOW } from '../../pool-fixtures.ts';
import { deployment, pod, replicaSet, unscheduled } from './slim-fixtures.ts';

const raised = { annotations: { [DELETION_COST]: '2000' } };
const safe = (to: number, wanted: number, pods: readonly SlimPod[], idle: readonly string[], objects = {}): number => {
  const all = { deployment: deployment(), replicaSets: [replicaSet()], pods, ...objects };
  const timeouts = { startTimeoutMs: 300_000, provisionTimeoutMs: 600_000 };
  const input = { ...all, ...timeouts, nowMs: NOW, wanted, asks: [], going: new Set<string>(), heardAtMs: new Map() };
  const { replicas } = replicasOf({ ...input, lives: livesAfter(new Map(), input) });
  return safeNumber(to, wanted, replicas, all, new Set(idle));
};

describe('the number that somebody else may write', () => {
  it('is the one wanted where the pool grows or stays', () => {
    expect(safe(5, 3, [pod('a'), pod('b'), pod('c')], [])).toBe(5);
    expect(safe(3, 3, [pod('a'), pod('b'), pod('c')], [])).toBe(3);
  });

  it('goes down by the idle pods once the marks of the busy ones are seen, and not before', () => {
    expect(safe(1, 3, [pod('busy', raised), pod('a'), pod('b')], ['a', 'b'])).toBe(1);
    // The controller sees no difference between them.
    expect(safe(1, 3, [pod('busy'), pod('a'), pod('b')], ['a', 'b'])).toBe(3);
  });

  it('never takes a busy pod, however few are wanted', () => {
    expect(safe(0, 3, [pod('busy', raised), pod('a'), pod('b')], ['a', 'b'])).toBe(1);
    expect(safe(0, 3, [pod('busy', raised), pod('c', raised), pod('a')], ['a'])).toBe(2);
    expect(safe(0, 2, [pod('a'), pod('b')], ['a', 'b'])).toBe(0);
  });

  it('counts an idle pod that still carries its mark as one that could be taken for a busy one', () => {
    expect(safe(1, 3, [pod('busy', raised), pod('a', raised), pod('b')], ['a', 'b'])).toBe(2);
  });

  it('stays while a pod in which something may run would go before any other, and in a rollout', () => {
    expect(safe(1, 3, [pod('busy', raised), pod('a'), pod('starting', { ready: false, phase: 'Running' })], ['a'])).toBe(3);
    const two = [replicaSet(), replicaSet({ uid: 'rs-2', name: 'worker-2' })];
    expect(safe(1, 2, [pod('a'), pod('b')], ['a', 'b'], { replicaSets: two })).toBe(2);
  });

  it('lets those go that are not made yet or have no node, before any other', () => {
    expect(safe(1, 4, [pod('busy', raised), unscheduled('u'), unscheduled('v')], [])).toBe(1);
    expect(safe(1, 3, [pod('busy')], [])).toBe(1);
  });
});
