import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { noOrders } from '../../packages/autoscaler/src/decide/seen.ts';
import type { PoolMemory } from '../../packages/autoscaler/src/lease/memory.ts';
import { noColdStart } from '../../packages/autoscaler/src/window/cold-start.ts';
import { noServiceTime } from '../../packages/autoscaler/src/window/service-time.ts';
import { startApiProxy } from '../kubernetes/api-proxy.ts';
import { type ControlPlane, sharedControlPlane } from '../kubernetes/control-plane.ts';
import { untilAllowed } from '../kubernetes/in-force.ts';
import { type KubeObject, resourcePath } from '../kubernetes/objects.ts';
import { letTimePass, until } from '../until.ts';
import { calmTimings, contender, type LeaseSpec, leasePath, readLease } from './lease-rig.ts';

let plane: ControlPlane;
beforeAll(async () => {
  plane = await sharedControlPlane();
});
afterAll(async () => {
  await plane?.stop();
});

const memory = (busyAtMs: number, cordoned: PoolMemory['cordoned'] = {}): PoolMemory => ({
  busyAtMs,
  wishes: [{ atMs: 5_000, replicas: 7 }],
  service: noServiceTime,
  coldStart: noColdStart,
  slotsPerReplica: 4,
  orders: noOrders,
  cordoned,
  removing: Object.keys(cordoned),
});
const cordon = { 'pod-1': { nodename: 'celery@pod-1', queues: ['a', 'b'] } };
const annotate = (namespace: string, annotations: Readonly<Record<string, string | null>>): Promise<KubeObject<LeaseSpec>> =>
  plane.api.patch<KubeObject<LeaseSpec>>(leasePath(namespace), { metadata: { annotations } });

describe('two contenders', () => {
  it('agree on one holder, which renews; a clean stop hands over what it remembers within about a retry', async () => {
    const namespace = await plane.createNamespace();
    await using first = await contender(plane, namespace);
    await using proxy = await startApiProxy(plane);
    await using second = await contender(plane, namespace, { kubeconfig: proxy.through(plane.kubeconfig) });
    expect([first.lease.held(), second.lease.held()]).toEqual([true, false]);
    expect(second.lease.holder).toBe(first.lease.holder);
    const { spec } = await readLease(plane, namespace);
    expect(spec).toMatchObject({ holderIdentity: first.lease.holder, leaseDurationSeconds: 30, leaseTransitions: 0 });
    expect(spec?.holderIdentity).toMatch(new RegExp(`^${hostname()}_[0-9a-f-]{36}$`));
    await until(async () => (await readLease(plane, namespace)).spec?.renewTime !== spec?.renewTime, { what: 'a renewal' });

    first.lease.memory.write('default', memory(9_000, cordon));
    const stoppedAtMs = performance.now();
    await first.lease.close();
    const looked = proxy.requests.length;
    expect(first.lease.held()).toBe(false);
    await until(() => second.lease.held(), { everyMs: 5, what: 'the second to take it' });
    // By its next look, or the one that was under way; looks are a retry apart.
    expect(proxy.requests.slice(looked).filter(({ method }) => method === 'GET').length).toBeLessThanOrEqual(1);
    expect(performance.now() - stoppedAtMs).toBeLessThan(calmTimings.leaseDurationMs / 2);
    expect(second.lease.memory.read('default')).toEqual(memory(9_000, cordon));
    expect((await readLease(plane, namespace)).spec).toMatchObject({ holderIdentity: second.lease.holder, leaseTransitions: 1 });
    expect([first.changes, second.changes]).toEqual([[true, false], [true]]);
  });

  it('never swap it while both are well, and a foreign hand on the Lease disturbs nothing', async () => {
    const namespace = await plane.createNamespace();
    await using first = await contender(plane, namespace);
    await using second = await contender(plane, namespace);
    for (let turn = 0; turn < 20; turn += 1) {
      await annotate(namespace, { 'example.org/note': `turn ${turn}` });
      await letTimePass(randomBytes(1)[0] ?? 0, 'edits at any moment between renewals');
    }
    expect([first.changes, second.changes]).toEqual([[true], []]);
    await first.lease.memory.flush();
    expect((await readLease(plane, namespace)).metadata.annotations).toMatchObject({ 'example.org/note': 'turn 19' });
  });

  it('do not look at the clock of their machine: one that jumps, or stands still, changes nothing', async () => {
    const namespace = await plane.createNamespace();
    const clocks = [Date.UTC(2031, 0, 1), Date.UTC(1999, 0, 1), Date.UTC(2026, 10, 21)];
    const timings = { leaseDurationMs: 5_000, renewDeadlineMs: 4_500, retryPeriodMs: 400 };
    let reading = 0;
    await using first = await contender(plane, namespace, { timings, now: () => clocks[reading] ?? 0 });
    await using second = await contender(plane, namespace, { timings, now: () => clocks[2 - reading] ?? 0 });
    for (; reading < 3; reading += 1) {
      const before = (await readLease(plane, namespace)).spec?.renewTime;
      await letTimePass(timings.leaseDurationMs + 500, 'longer than the lease lasts without renewals');
      expect((await readLease(plane, namespace)).spec?.renewTime).not.toBe(before);
      expect([first.lease.held(), second.lease.held()]).toEqual([true, false]);
    }
    expect(second.changes).toEqual([]);
  });
});

describe('the memory', () => {
  it('is in the Lease once flush resolves, and many flushes at the same time are few writes', async () => {
    const namespace = await plane.createNamespace();
    await using one = await contender(plane, namespace, { timings: { ...calmTimings, retryPeriodMs: 15_000 } });
    const versions = new Set<string>();
    const ending = new AbortController();
    const { metadata } = await readLease(plane, namespace);
    const watching = plane.api.watch(
      resourcePath('Lease', namespace),
      { resourceVersion: metadata.resourceVersion },
      ending.signal,
      ({ object }) => versions.add(object.metadata.resourceVersion ?? ''),
    );
    await Promise.all(
      Array.from({ length: 200 }, async (_, index) => {
        one.lease.memory.write(`pool-${index}`, memory(1_000 * index, cordon));
        await one.lease.memory.flush();
      }),
    );
    const kept = (await readLease(plane, namespace)).metadata;
    await until(() => versions.has(kept.resourceVersion ?? ''), { what: 'the watch to see the last write' });
    ending.abort();
    await watching;
    expect(versions.size).toBeLessThanOrEqual(2);
    await one.lease.close();
    await using next = await contender(plane, namespace);
    expect(next.lease.memory.read('pool-199')).toEqual(memory(199_000, cordon));
  });

  it('of a thousand pools fits, and survives being taken over', async () => {
    const namespace = await plane.createNamespace();
    await using one = await contender(plane, namespace);
    for (let index = 0; index < 1_000; index += 1) one.lease.memory.write(`pool-${index}`, memory(index * 1_000, cordon));
    await one.lease.memory.flush();
    await one.lease.close();
    await using next = await contender(plane, namespace);
    expect(next.lease.memory.read('pool-999')).toEqual(memory(999_000, cordon));
  });

  it('that cannot be read is told with its code and taken for nothing; the lease is had all the same', async () => {
    const namespace = await plane.createNamespace();
    const before = await contender(plane, namespace);
    await before.lease.close();
    for (const text of ['{"v":99,"pools":{}}', '{', 'x'.repeat(200_000)]) {
      await annotate(namespace, { 'celeriac.dev/memory': text });
      await using next = await contender(plane, namespace);
      expect(next.lease.held()).toBe(true);
      expect(next.lease.memory.read('default')).toBeNull();
      expect(next.log.join('\n')).toContain('CELERIAC_E_LEASE_MEMORY');
      next.lease.memory.write('default', memory(3_000));
      await next.lease.memory.flush();
      expect((await readLease(plane, namespace)).metadata.annotations?.['celeriac.dev/memory']).toContain('"v":1');
    }
  });

  it('is not written by whoever does not hold the lease', async () => {
    const namespace = await plane.createNamespace();
    await using first = await contender(plane, namespace);
    await using second = await contender(plane, namespace);
    expect(first.lease.held()).toBe(true);
    second.lease.memory.write('default', memory(1_000));
    expect(second.lease.memory.read('default')).toBeNull();
    await expect(second.lease.memory.flush()).rejects.toMatchObject({ code: 'CELERIAC_E_LEASE' });
  });
});

describe('what cannot be had', () => {
  const role = async (namespace: string, verbs: readonly string[]): Promise<string> => {
    await plane.created(
      namespace,
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'autoscaler' } },
      {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'Role',
        metadata: { name: 'autoscaler' },
        rules: verbs.length === 0 ? [] : [{ apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs }],
      },
      {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'RoleBinding',
        metadata: { name: 'autoscaler' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'autoscaler' },
        subjects: [{ kind: 'ServiceAccount', name: 'autoscaler', namespace }],
      },
    );
    await untilAllowed(plane, namespace, 'autoscaler', [{ apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs }]);
    return await plane.kubeconfigFor(namespace, 'autoscaler');
  };

  it.each([
    ['get', []],
    ['create', ['get']],
    ['update', ['get', 'create']],
  ])('a Role without %s is named with the rule that is missing', async (missing, verbs) => {
    const namespace = await plane.createNamespace();
    if (missing === 'update') {
      const before = await contender(plane, namespace);
      await before.lease.close();
    }
    const kubeconfig = await role(namespace, verbs);
    await expect(contender(plane, namespace, { kubeconfig })).rejects.toMatchObject({
      code: 'CELERIAC_E_LEASE',
      message: expect.stringMatching(
        new RegExp(`"${missing}" is not allowed; the Role in ${namespace} needs .*leases.*get.*create.*update`),
      ),
    });
  });

  it('exactly the rule it names is enough', async () => {
    const namespace = await plane.createNamespace();
    const kubeconfig = await role(namespace, ['get', 'create', 'update']);
    await using one = await contender(plane, namespace, { kubeconfig });
    expect(one.lease.held()).toBe(true);
    await one.lease.memory.flush();
  });

  it('a namespace that is not there is told', async () => {
    await expect(contender(plane, 'no-such-namespace')).rejects.toMatchObject({
      code: 'CELERIAC_E_LEASE',
      message: expect.stringContaining('no-such-namespace'),
    });
  });
});

it('a Lease that is deleted is made again, and whoever knew its holder waits for it', async () => {
  const namespace = await plane.createNamespace();
  await using first = await contender(plane, namespace);
  await using second = await contender(plane, namespace);
  expect(first.lease.held()).toBe(true);
  await plane.api.delete(leasePath(namespace));
  await until(() => first.changes.length === 3, { what: 'the holder to lose it and to make it again' });
  expect(first.changes).toEqual([true, false, true]);
  expect(second.changes).toEqual([]);
});
