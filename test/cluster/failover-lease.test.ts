// What happens to the lease when its holder is killed, stopped or cut off.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultLeaseTimings } from '../../packages/autoscaler/src/lease/election.ts';
import { type ControlPlane, type OwnControlPlane, sharedControlPlane, startControlPlane } from '../kubernetes/control-plane.ts';
import { type KubeObject, resourcePath } from '../kubernetes/objects.ts';
import { letTimePass, until } from '../until.ts';
import { contender, contenderProcess, readLease, shortTimings } from './lease-rig.ts';

interface Written {
  readonly atMs: number;
  readonly writer: string;
}

/** Every write of a contender's into the ConfigMap `ledger`, in the order in which the API server took them. */
async function watchLedger(plane: ControlPlane, namespace: string) {
  const [made] = await plane.created(namespace, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'ledger' } });
  const writes: Written[] = [];
  const ending = new AbortController();
  const query = { resourceVersion: made?.metadata.resourceVersion, fieldSelector: 'metadata.name=ledger' };
  const watching = plane.api.watch(resourcePath('ConfigMap', namespace), query, ending.signal, ({ object }) => {
    const { data } = object as KubeObject & { readonly data?: { readonly writer?: string } };
    if (data?.writer !== undefined) writes.push({ atMs: performance.now(), writer: data.writer });
  });
  return {
    writes,
    /** Who wrote, each once for each time it began. */
    turns: () => writes.map(({ writer }) => writer).filter((writer, index, all) => writer !== all[index - 1]),
    async [Symbol.asyncDispose]() {
      ending.abort();
      await watching;
    },
  };
}

const identityIn = (line: string): string => line.split(' ')[1] ?? '';

describe('on a running API server', () => {
  let plane: ControlPlane;
  beforeAll(async () => {
    plane = await sharedControlPlane();
  });
  afterAll(async () => {
    await plane?.stop();
  });

  it('a killed holder is followed within the lease duration and a retry, and not before it could still be alive', async () => {
    const namespace = await plane.createNamespace();
    await using ledger = await watchLedger(plane, namespace);
    await using first = contenderProcess(plane, namespace, defaultLeaseTimings);
    const dead = identityIn(await first.line(/^held/));
    await using second = contenderProcess(plane, namespace, defaultLeaseTimings);
    const next = identityIn(await second.line(/^started/));
    await until(() => ledger.writes.length > 3, { what: 'writes of the holder' });
    first.signal('SIGKILL');
    const killedAtMs = performance.now();
    await second.line(/^held/, 20_000);
    const tookMs = performance.now() - killedAtMs;
    // It may have renewed up to a retry before it died, and it may hold for the renew deadline from then.
    expect(tookMs).toBeGreaterThan(defaultLeaseTimings.renewDeadlineMs - defaultLeaseTimings.retryPeriodMs);
    expect(tookMs).toBeLessThan(defaultLeaseTimings.leaseDurationMs + defaultLeaseTimings.retryPeriodMs * 1.2 + 1_000);
    await until(() => ledger.turns().includes(next), { what: 'a write of the next' });
    expect(ledger.turns()).toEqual([dead, next]);
  });

  it('a stopped holder that goes on after it was followed makes no further write', async () => {
    const namespace = await plane.createNamespace();
    await using ledger = await watchLedger(plane, namespace);
    await using first = contenderProcess(plane, namespace, shortTimings);
    const stopped = identityIn(await first.line(/^held/));
    await using second = contenderProcess(plane, namespace, shortTimings);
    const next = identityIn(await second.line(/^started/));
    for (const [who, process, other, waiting] of [
      [stopped, first, next, second],
      [next, second, stopped, first],
    ] as const) {
      await until(() => ledger.writes.at(-1)?.writer === who, { what: `writes of ${who}` });
      process.signal('SIGSTOP');
      const heldBefore = waiting
        .output()
        .split('\n')
        .filter((line) => line.startsWith('held')).length;
      await until(
        () =>
          waiting
            .output()
            .split('\n')
            .filter((line) => line.startsWith('held')).length > heldBefore,
        {
          timeoutMs: 10_000,
          what: 'the other to hold it',
        },
      );
      await until(() => ledger.writes.at(-1)?.writer === other, { what: `writes of ${other}` });
      process.signal('SIGCONT');
      await process.line(/^lost/);
      const from = ledger.writes.length;
      await letTimePass(1_000, 'a write of the one that was stopped would come now');
      expect(new Set(ledger.writes.slice(from).map(({ writer }) => writer))).toEqual(new Set([other]));
    }
    expect(ledger.turns()).toEqual([stopped, next, stopped]);
  });

  it('a holder that is stopped again and again for less than the deadline keeps it', async () => {
    const namespace = await plane.createNamespace();
    await using first = contenderProcess(plane, namespace, { ...shortTimings, leaseDurationMs: 4_000, renewDeadlineMs: 3_000 });
    await first.line(/^held/);
    await plane.created(namespace, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'ledger' } });
    await using second = await contender(plane, namespace);
    for (let times = 0; times < 4; times += 1) {
      first.signal('SIGSTOP');
      await letTimePass(1_500, 'shorter than the renew deadline');
      first.signal('SIGCONT');
      const { spec } = await readLease(plane, namespace);
      await until(async () => (await readLease(plane, namespace)).spec?.renewTime !== spec?.renewTime, { what: 'a renewal' });
    }
    expect(second.changes).toEqual([]);
    expect(first.output()).not.toContain('lost');
  });
});

describe('through an outage of the API server', () => {
  let plane: OwnControlPlane;
  // Made before: the controllers take their time after an outage.
  const namespaces: string[] = [];
  const namespaceOf = (index: number): string => namespaces[index] ?? '';
  beforeAll(async () => {
    plane = await startControlPlane();
    for (let count = 0; count < 3; count += 1) namespaces.push(await plane.createNamespace());
  });
  afterAll(async () => {
    await plane?.stop();
  });

  it.each([
    ['that ends its connections', 'stop', 0],
    ['that answers nothing', 'freeze', 1],
  ])('%s for 20 s the holder stops at its deadline and takes it again', async (_, kind, index) => {
    const namespace = namespaceOf(index);
    await using first = await contender(plane, namespace, { timings: defaultLeaseTimings });
    await using second = await contender(plane, namespace, { timings: defaultLeaseTimings });
    expect([first.lease.held(), second.lease.held()]).toEqual([true, false]);
    if (kind === 'stop') await plane.stopApiserver();
    else await plane.freezeApiserver();
    const awayAtMs = performance.now();
    await letTimePass(defaultLeaseTimings.renewDeadlineMs - defaultLeaseTimings.retryPeriodMs - 500, 'it may act until its deadline');
    expect(first.lease.held()).toBe(true);
    await until(() => !first.lease.held(), { timeoutMs: 4_000, everyMs: 5, what: 'the deadline' });
    await until(() => first.changes.length > 1, { timeoutMs: 1_000, everyMs: 5, what: 'the word of it' });
    expect(first.changes).toEqual([true, false]);
    await letTimePass(20_000 - (performance.now() - awayAtMs), 'the rest of the outage');
    expect([first.lease.held(), second.lease.held()]).toEqual([false, false]);
    if (kind === 'stop') await plane.startApiserver();
    else plane.thawApiserver();
    const held = await until(() => [first, second].find(({ lease }) => lease.held()), { timeoutMs: 25_000, what: 'a holder' });
    expect([first, second].filter(({ lease }) => lease.held())).toEqual([held]);
    expect(held.changes.at(-1)).toBe(true);
  });

  it('a restart of the API server is not even noticed', async () => {
    const namespace = namespaceOf(2);
    await using one = await contender(plane, namespace, { timings: defaultLeaseTimings });
    await plane.restartApiserver();
    const { spec } = await until(() => readLease(plane, namespace).catch(() => undefined), { what: 'the API server' });
    await until(async () => (await readLease(plane, namespace)).spec?.renewTime !== spec?.renewTime, { what: 'a renewal' });
    expect(one.changes).toEqual([true]);
  });
});
