// Others who write a Deployment's replicas: whoever would write them again is named and left alone, whoever did it once is followed, and
// KEDA's words on a Deployment are orders.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createGate } from '../integration/gate.ts';
import { sharedControlPlane } from '../kubernetes/control-plane.ts';
import { horizontalPodAutoscaler } from '../kubernetes/manifests.ts';
import { resourcePath } from '../kubernetes/objects.ts';
import { letTimePass } from '../until.ts';
import { eventually, expectUnharmed, explained, leader, metric, moves, ownEvents, podsOf, poolOf } from './fleet-checks.ts';
import { type Fleet, STEADY_LEASE, startFleet } from './fleet-rig.ts';

const scaling = '{ min: 0, max: 4, goal: { queueWait: 4s, expectedTaskTime: 1s, expectedStartTime: 3s }, idleToZero: 3s, downDelay: 2s }';

let fleet: Fleet;

/** As much of KEDA's resource as an API server must know to keep one. */
const scaledObjects = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'scaledobjects.keda.sh' },
  spec: {
    group: 'keda.sh',
    scope: 'Namespaced',
    names: { kind: 'ScaledObject', plural: 'scaledobjects', singular: 'scaledobject' },
    versions: [
      {
        name: 'v1alpha1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
};

beforeAll(async () => {
  const cluster = await sharedControlPlane();
  await cluster.kubectl(['apply', '-f', '-'], { stdin: JSON.stringify(scaledObjects) });
  await cluster.kubectl(['wait', '--for=condition=Established', 'crd/scaledobjects.keda.sh', '--timeout=120s']);
  const pools = ['keda', 'scaled', 'raised', 'applied', 'handmade', 'annotated'].map((name) => ({ name, scaling }));
  fleet = await startFleet({
    broker: 'redis',
    config: STEADY_LEASE,
    pools: [...pools, { name: 'ours', scaling, deployment: 'otherWriters: ignore' }],
  });
});
afterAll(async () => {
  await fleet?.[Symbol.asyncDispose]();
});

/** As Argo CD applies a Deployment whose manifest has this number, or none. */
async function applyAsArgo(name: string, replicas: number | null): Promise<void> {
  const manifest = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name }, spec: replicas === null ? {} : { replicas } };
  const flags = ['--server-side', '--field-manager', 'argocd-controller', '--force-conflicts'];
  await fleet.cluster.kubectl(['apply', '--namespace', fleet.namespace, ...flags, '-f', '-'], { stdin: JSON.stringify(manifest) });
}

/** Resolves when the autoscaler has seen them: what is published before that may still be decided on without them. */
async function annotate(name: string, annotations: Readonly<Record<string, string | null>>): Promise<void> {
  const keys = Object.entries(annotations).map(([key, value]) => [`autoscaling.keda.sh/${key}`, value] as const);
  await fleet.cluster.api.patch(resourcePath('Deployment', fleet.namespace, name), {
    metadata: { annotations: Object.fromEntries(keys) },
  });
  await eventually(fleet, `the annotations of ${name} seen`, async () => {
    const by = (await poolOf(fleet, name)).orders.by.replaceAll('annotation ', '').split(' and ');
    return keys.every(([key, value]) => by.includes(key) === (value !== null));
  });
}

/** The pool is held, and everybody who asks is told by whom; nothing is written, though there is work. Resolves with what waits. */
async function isHeld(name: string, by: RegExp, timeoutMs = 90_000): Promise<readonly string[]> {
  await eventually(fleet, `${name} held`, async () => by.test((await poolOf(fleet, name)).hold ?? ''), { timeoutMs });
  const heldMs = Date.now();
  const ids = await fleet.publish(name, 6, 300);
  await eventually(fleet, 'a decision that is held', async () => (await poolOf(fleet, name)).waiting !== 0);
  expect(await explained(fleet, name)).toMatch(by);
  expect(metric(await leader(fleet).metrics(), 'held', { pool: name }) ?? Number.NaN).toBe(1);
  const said = async () => (await ownEvents(fleet, name)).filter(({ message }) => by.test(message));
  await eventually(fleet, 'an Event that names it', async () => (await said()).length > 0);
  await letTimePass(5_000, 'turns that must not write');
  expect(await said()).toHaveLength(1);
  expect(moves(fleet, name, heldMs)).toEqual({ up: 0, down: 0 });
  return ids;
}

describe.concurrent('beside others', () => {
  it('leaves a pool to a HorizontalPodAutoscaler, and goes on when that is gone', { timeout: 400_000 }, async () => {
    const createdMs = Date.now();
    await fleet.cluster.created(fleet.namespace, horizontalPodAutoscaler('scaled', { min: 1, max: 5 }));
    const ids = await isHeld('scaled', /HorizontalPodAutoscaler scaled\b/);
    const deletedMs = Date.now();
    await fleet.cluster.api.delete(resourcePath('HorizontalPodAutoscaler', fleet.namespace, 'scaled'));
    await eventually(fleet, 'the pool to go on', async () => (await fleet.wanted('scaled')) > 0);
    console.log(`held ${deletedMs - createdMs} ms after the HPA came at the latest, goes on ${Date.now() - deletedMs} ms after it went`);
    await fleet.ledger.allEnded(ids, 120_000);
    await fleet.atZero('scaled');
    expect((await poolOf(fleet, 'scaled')).hold).toBeNull();
    await expectUnharmed(fleet, ids);
  });

  it("leaves a pool to KEDA's ScaledObject, and goes on when that is gone", { timeout: 400_000 }, async () => {
    const path = `/apis/keda.sh/v1alpha1/namespaces/${fleet.namespace}/scaledobjects`;
    const spec = { scaleTargetRef: { name: 'keda' }, triggers: [] };
    await fleet.cluster.api.create(path, { apiVersion: 'keda.sh/v1alpha1', kind: 'ScaledObject', metadata: { name: 'mails' }, spec });
    const ids = await isHeld('keda', /ScaledObject mails\b/);
    await fleet.cluster.api.delete(`${path}/mails`);
    await eventually(fleet, 'the pool to go on', async () => (await fleet.wanted('keda')) > 0);
    await fleet.ledger.allEnded(ids, 120_000);
    await fleet.atZero('keda');
    await expectUnharmed(fleet, ids);
  });

  it('does not wait for a minute where the HorizontalPodAutoscaler has written', { timeout: 400_000 }, async () => {
    using gate = createGate();
    const ids = await fleet.publish('raised', 1, 0, gate);
    await eventually(fleet, 'one pod', async () => (await fleet.wanted('raised')) === 1);
    await fleet.cluster.created(fleet.namespace, horizontalPodAutoscaler('raised', { min: 2, max: 5 }));
    await eventually(fleet, 'the number of the HPA', async () => (await fleet.wanted('raised')) === 2);
    // less than the time between two looks for other autoscalers where there are some
    const isNamed = async () => /HorizontalPodAutoscaler raised\b/.test((await poolOf(fleet, 'raised')).hold ?? '');
    await eventually(fleet, 'raised held', isNamed, { timeoutMs: 13_000 });
    gate.open();
    await fleet.ledger.allEnded(ids, 120_000);
    await letTimePass(8_000, 'longer than a pool of ours would keep what has no work');
    expect(fleet.changes('raised')).toEqual([0, 1, 2]);
    await fleet.cluster.api.delete(resourcePath('HorizontalPodAutoscaler', fleet.namespace, 'raised'));
    await fleet.atZero('raised');
    await expectUnharmed(fleet, ids);
  });

  it('leaves a pool to who applies its replicas, until that is taken out', { timeout: 400_000 }, async () => {
    await applyAsArgo('applied', 0);
    const ids = await isHeld('applied', /Argo CD .*argocd-controller/);
    await applyAsArgo('applied', null);
    await fleet.ledger.allEnded(ids, 120_000);
    await fleet.atZero('applied');
    expect((await poolOf(fleet, 'applied')).hold).toBeNull();
    await expectUnharmed(fleet, ids);
  });

  it('goes on where it is told to ignore them', { timeout: 400_000 }, async () => {
    await applyAsArgo('ours', 1);
    const ids = await fleet.publish('ours', 6, 300);
    await fleet.ledger.allEnded(ids, 120_000);
    await fleet.atZero('ours');
    expect((await poolOf(fleet, 'ours')).hold).toBeNull();
    await expectUnharmed(fleet, ids);
  });

  it('goes on from what somebody set once by hand', { timeout: 400_000 }, async () => {
    await fleet.cluster.kubectl(['scale', '--namespace', fleet.namespace, 'deployment/handmade', '--replicas=2']);
    // Held for as long as it takes to see that nobody scales it for good. Without work they do not stay for long: that the number is taken
    // over is what counts, not that both come up first.
    await eventually(fleet, 'the number taken over', async () => {
      const { replicas, hold } = await poolOf(fleet, 'handmade');
      return replicas === 2 && hold === null;
    });
    const ids = await fleet.publish('handmade', 4, 300);
    await fleet.ledger.allEnded(ids, 120_000);
    await fleet.atZero('handmade');
    expect(fleet.changes('handmade').slice(0, 2)).toEqual([0, 2]);
    await expectUnharmed(fleet, ids);
  });

  it("obeys KEDA's annotations on the Deployment", { timeout: 400_000 }, async () => {
    await annotate('annotated', { 'paused-scale-out': 'true' });
    const ids = [...(await fleet.publish('annotated', 4, 300))];
    await eventually(fleet, 'growing paused', async () => (await poolOf(fleet, 'annotated')).reason === 'paused');
    expect(await explained(fleet, 'annotated')).toMatch(/scaling out is paused by annotation autoscaling\.keda\.sh\/paused-scale-out/);
    await letTimePass(2_000, 'turns that must not add a pod');
    expect(fleet.changes('annotated')).toEqual([0]);

    await annotate('annotated', { 'paused-scale-out': null, 'paused-scale-in': '' });
    await fleet.ledger.allEnded(ids, 120_000);
    await eventually(fleet, 'shrinking paused', async () => (await poolOf(fleet, 'annotated')).reason === 'paused');
    await letTimePass(4_000, 'longer than a pool without work would keep its workers');
    expect(await fleet.wanted('annotated')).toBeGreaterThan(0);

    await annotate('annotated', { 'paused-scale-in': null, 'paused-replicas': '3' });
    await eventually(fleet, 'three workers', async () => (await poolOf(fleet, 'annotated')).replicas === 3);
    await eventually(fleet, 'three pods', async () => (await podsOf(fleet, 'annotated')).length === 3);
    await annotate('annotated', { 'paused-replicas': null, paused: 'true' });
    const more = await fleet.publish('annotated', 30, 600);
    const pausedMs = Date.now();
    await fleet.ledger.allEnded(more, 120_000);
    await letTimePass(6_000, 'longer than a pool without work would keep its workers');
    expect(moves(fleet, 'annotated', pausedMs)).toEqual({ up: 0, down: 0 });
    await annotate('annotated', { paused: null });
    await fleet.atZero('annotated');
    await expectUnharmed(fleet, [...ids, ...more]);
  });
});
