import { describe, expect, it } from 'vitest';
import type { ReplicasOwner } from '../../../src/kubernetes/slim.ts';
import { nobodyWrote, otherWriter, type WritersState, writersAfter } from '../../../src/targets/kubernetes/other-writers.ts';
import { NOW } from '../../pool-fixtures.ts';
import { deployment } from './slim-fixtures.ts';

const owner = (manager: string, changes: Partial<ReplicasOwner> = {}): ReplicasOwner => ({
  manager,
  operation: 'Update',
  subresource: null,
  atMs: NOW,
  ...changes,
});
const none = { horizontalPodAutoscalers: [], scaledObjects: [] };
const unlisted = { horizontalPodAutoscalers: null, scaledObjects: null };
const by = (manager: string, changes: Partial<ReplicasOwner> = {}) => deployment({ replicasOwners: [owner(manager, changes)] });

describe('another writer of spec.replicas', () => {
  it('is nobody where people made and scaled it', () => {
    for (const manager of ['kubectl-create', 'kubectl-client-side-apply', 'helm', 'celeriac', 'node-fetch']) {
      expect(otherWriter(NOW, nobodyWrote, by(manager), none)).toBeNull();
    }
    expect(otherWriter(NOW, nobodyWrote, by('kubectl', { operation: 'Apply' }), none)).toBeNull();
  });

  it('is an autoscaler that targets it, by name', () => {
    const hpa = { kind: 'HorizontalPodAutoscaler', name: 'web', deployment: 'worker' };
    const keda = { kind: 'ScaledObject', name: 'so', deployment: 'worker' };
    expect(otherWriter(NOW, nobodyWrote, deployment(), { ...none, horizontalPodAutoscalers: [hpa] })).toBe(
      'HorizontalPodAutoscaler web scales this Deployment too',
    );
    expect(otherWriter(NOW, nobodyWrote, deployment(), { horizontalPodAutoscalers: [hpa], scaledObjects: [keda] })).toMatch(
      /^ScaledObject so/,
    );
    expect(otherWriter(NOW, nobodyWrote, deployment({ name: 'other' }), { ...none, horizontalPodAutoscalers: [hpa] })).toBeNull();
  });

  it('is an autoscaler in managedFields only where they cannot be listed', () => {
    const written = by('kube-controller-manager', { subresource: 'scale' });
    expect(otherWriter(NOW, nobodyWrote, written, unlisted)).toMatch(/^a HorizontalPodAutoscaler scales this Deployment too/);
    expect(otherWriter(NOW, nobodyWrote, written, none)).toBeNull();
    expect(otherWriter(NOW, nobodyWrote, by('kube-controller-manager', { subresource: 'status' }), unlisted)).toBeNull();
  });

  it.each(['argocd-controller', 'argocd-application-controller', 'kustomize-controller', 'helm-controller'])('is %s', (manager) => {
    expect(otherWriter(NOW, nobodyWrote, by(manager, { operation: 'Apply' }), none)).toMatch(new RegExp(`field manager ${manager}`));
  });

  it('is whoever takes our number back twice within ten minutes', () => {
    const wrote = (state: WritersState, replicas: number, atMs: number): WritersState => ({ ...state, ours: { replicas, atMs } });
    const changed = (state: WritersState, atMs: number): WritersState =>
      writersAfter(atMs, state, deployment({ replicas: 1, replicasOwners: [owner('mystery', { atMs, subresource: 'scale' })] }));
    const once = changed(wrote(nobodyWrote, 5, NOW), NOW + 1_000);
    // Seen again it is no second change: the number is no longer ours.
    expect(changed(once, NOW + 1_500)).toEqual(once);
    expect(otherWriter(NOW + 1_000, once, deployment(), none)).toBeNull();
    const twice = changed(wrote(once, 5, NOW + 2_000), NOW + 3_000);
    expect(otherWriter(NOW + 3_000, twice, deployment(), none)).toBe(
      'mystery changed spec.replicas 2 times within ten minutes after we had set it',
    );
    expect(otherWriter(NOW + 602_000, twice, deployment(), none)).toBeNull();
  });

  it('has no name where it wrote a zero', () => {
    const state: WritersState = { ours: { replicas: 5, atMs: NOW }, changes: {} };
    expect(writersAfter(NOW + 1, state, deployment({ replicas: 0 }))).toEqual({
      ours: null,
      changes: { 'somebody (a zero leaves no name)': [NOW + 1] },
    });
  });

  it('is nobody where the number is ours, or we wrote it', () => {
    const state: WritersState = { ours: { replicas: 5, atMs: NOW }, changes: {} };
    expect(writersAfter(NOW, state, deployment({ replicas: 5, replicasOwners: [owner('kubectl')] }))).toEqual(state);
    expect(writersAfter(NOW, state, deployment({ replicas: 4, replicasOwners: [owner('celeriac')] }))).toEqual(state);
  });
});
