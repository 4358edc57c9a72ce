import { describe, expect, it } from 'vitest';
import type { SlimPod } from '../../../src/kubernetes/slim.ts';
import { overdueOf, type StuckContext, stuckOf } from '../../../src/targets/kubernetes/stuck.ts';
import { NOW } from '../../pool-fixtures.ts';
import { container, pod, unscheduled, waiting } from './slim-fixtures.ts';

const judge = (one: SlimPod, changes: Partial<StuckContext> = {}) =>
  stuckOf(one, {
    nowMs: NOW,
    lifeSinceMs: one.createdAtMs,
    heardAtMs: null,
    startTimeoutMs: 120_000,
    provisionTimeoutMs: 600_000,
    ...changes,
  });

describe('a pod is stuck', () => {
  it.each(['ErrImagePull', 'ImagePullBackOff', 'InvalidImageName'])('on %s, at once', (reason) => {
    expect(judge(waiting('a', reason, {}, 'no such manifest'))).toEqual({
      reason,
      text: 'container worker has no image: no such manifest',
    });
  });
  it.each(['CreateContainerConfigError', 'CreateContainerError', 'RunContainerError'])('on %s, at once', (reason) => {
    expect(judge(waiting('a', reason))).toMatchObject({ reason });
  });
  it('on an image of an init container too', () => {
    const init = waiting('a', 'PodInitializing');
    expect(judge({ ...init, containers: [container({ init: true, waitingReason: 'ErrImagePull' }), ...init.containers] })).toMatchObject({
      reason: 'ErrImagePull',
    });
  });
  it('in a crash loop, and when it keeps restarting without ever being heard of', () => {
    const crashed = { restarts: 4, lastExitCode: 137, lastTerminatedReason: 'OOMKilled' };
    const backingOff = pod('a', { ready: false, containers: [container({ ...crashed, waitingReason: 'CrashLoopBackOff' })] });
    expect(judge(backingOff)).toEqual({
      reason: 'CrashLoopBackOff',
      text: 'container worker was restarted 4 times, it last ended with exit code 137 (OOMKilled)',
    });
    expect(judge(pod('a', { containers: [container(crashed)] }))).toMatchObject({ reason: 'CrashLoopBackOff' });
    expect(judge(pod('a', { containers: [container({ ...crashed, restarts: 2 })] }))).toBeNull();
  });
  it('when it has waited for a node too long', () => {
    expect(judge(unscheduled('a', { createdAtMs: NOW - 599_999 }))).toBeNull();
    expect(judge(unscheduled('a', { createdAtMs: NOW - 600_000 }))).toMatchObject({ reason: 'Unschedulable' });
  });
  it('when it runs and is silent too long, unless it was heard of in this life', () => {
    const silent = pod('a', { createdAtMs: NOW - 120_000 });
    expect(judge(silent, { startTimeoutMs: 120_001 })).toBeNull();
    expect(judge(silent)).toMatchObject({ reason: 'NoHeartbeat' });
    expect(judge(silent, { heardAtMs: NOW - 100_000 })).toBeNull();
  });
  it('when its containers are not created in time', () => {
    expect(judge(waiting('a', 'ContainerCreating'))).toBeNull();
    expect(judge(waiting('a', 'ContainerCreating', { createdAtMs: NOW - 600_000 }))).toMatchObject({ reason: 'ContainerCreating' });
  });
});

describe('a pod is not stuck', () => {
  it('where the kubelet only paces its pulls', () => {
    expect(judge(waiting('a', 'ErrImagePull', {}, 'pull QPS exceeded'))).toBeNull();
  });
  it('while its worker is heard of, whatever a sidecar does', () => {
    const sidecar = pod('a', { containers: [container(), container({ name: 'proxy', waitingReason: 'ImagePullBackOff' })] });
    expect(judge(sidecar, { heardAtMs: NOW - 14_000 })).toBeNull();
    expect(judge(sidecar, { heardAtMs: NOW - 16_000 })).toMatchObject({ reason: 'ImagePullBackOff' });
  });
  it('when it was told to go, or has ended', () => {
    expect(judge(waiting('a', 'ErrImagePull', { deletionAtMs: NOW }))).toBeNull();
    expect(judge(waiting('a', 'ErrImagePull', { phase: 'Failed' }))).toBeNull();
  });
});

it('a pod is overdue a minute after its grace ended', () => {
  expect(overdueOf(pod('a', { deletionAtMs: NOW - 59_999 }), NOW)).toBeNull();
  expect(overdueOf(pod('a', { deletionAtMs: NOW - 60_000 }), NOW)).toEqual({
    reason: 'Terminating',
    text: 'still there 60 s after its grace period ended',
  });
});
