// What happens to the lease when its holder is killed, stopped or cut off.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultLeaseTimings } from '../../packages/autoscaler/src/lease/election.ts';
import { type ControlPlane, type OwnControlPlane, sharedControlPlane, startControlPlane } from '../kubernetes/control-plane.ts';
import { type KubeObject, resourcePath } from '../kubernetes/objects.ts';
import { isStopped } from '../process-table.ts';
import type { SpawnedProcess } from '../spawned-process.ts';
import { letTimePass, until } from '../until.ts';
import { contender, contenderProcess, readLease, shortTimings } from './lease-rig.ts';

interface Written {
  readonly atMs: number;
  /** Which of this writer's. */
  readonly count: string;
  readonly writer: string;
}

/** Every write of a contender's into the ConfigMap `ledger`, in the order in which the API server took them. */
async function watchLedger(plane: ControlPlane, namespace: string) {
  const [made] = await plane.created(namespace, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'ledger' } });
  const writes: Written[] = [];
  const ending = new AbortController();
  const query = { resourceVersion: made?.metadata.resourceVersion, fieldSelector: 'metadata.name=ledger' };
  const watching = plane.api.watch(resourcePath('ConfigMap', namespace), query, ending.signal, ({ object }) => {
    const { data } = object as KubeObject & { readonly data?: { readonly writer: string; readonly count: string } };
    if (data !== undefined) writes.push({ atMs: performance.now(), ...data });
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

/**
 * Stops a holder, but not between its last question whether it may write and the write itself: what is on its way then is held back by the
 * condition it carries alone, and those of contenders carry none.
 */
async function stopOutsideOfWrites(holder: SpawnedProcess, writes: readonly Written[], writer: string): Promise<void> {
  const lastLeft = (): string | undefined =>
    holder
      .output()
      .split('\n')
      .findLast((line) => line.startsWith('leaves'));
  for (;;) {
    holder.signal('SIGSTOP');
    await until(() => isStopped(holder.pid), { everyMs: 1, what: 'the holder stopped' });
    await letTimePass(100, 'what it said before is read');
    const left = lastLeft();
    const hasCome = (): boolean => writes.some((one) => one.writer === writer && `leaves ${one.count}` === left);
    if (await until(hasCome, { timeoutMs: 1_000 }).catch(() => false)) return;
    holder.signal('SIGCONT');
    await until(() => lastLeft() !== left, { what: 'its next write' });
  }
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
    await second.line(/^held/, 60_000);
    const tookMs = performance.now() - killedAtMs;
    // It may have renewed up to a retry before it died, and it may hold for the renew deadline from then.
    expect(tookMs).toBeGreaterThan(defaultLeaseTimings.renewDeadlineMs - defaultLeaseTimings.retryPeriodMs);
    expect(tookMs).toBeLessThan(defaultLeaseTimings.leaseDurationMs + defaultLeaseTimings.retryPeriodMs * 1.2 + 5_000);
    await until(() => ledger.turns().includes(next), { what: 'a write of the next' });
    expect(ledger.turns()).toEqual([dead, next]);
  });

  it('a stopped holder that goes on after it was followed makes no further write', async () => {
    const namespace = await plane.createNamespace();
    await using ledger = await watchLedger(plane, namespace);
    const timings = { leaseDurationMs: 6_000, renewDeadlineMs: 5_000, retryPeriodMs: 400 };
    await using first = contenderProcess(plane, namespace, timings);
    const stopped = identityIn(await first.line(/^held/));
    await using second = contenderProcess(plane, namespace, timings);
    const next = identityIn(await second.line(/^started/));
    for (const [who, process, other, waiting] of [
      [stopped, first, next, second],
      [next, second, stopped, first],
    ] as const) {
      await until(() => ledger.writes.at(-1)?.writer === who, { what: `writes of ${who}` });
      await stopOutsideOfWrites(process, ledger.writes, who);
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
          timeoutMs: 60_000,
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
    await using first = contenderProcess(plane, namespace, { ...shortTimings, leaseDurationMs: 10_000, renewDeadlineMs: 8_000 });
    await first.line(/^held/);
    await plane.created(namespace, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'ledger' } });
    await using second = await contender(plane, namespace);
    for (let times = 0; times < 4; times += 1) {
      first.signal('SIGSTOP');
      await letTimePass(3_000, 'shorter than the renew deadline');
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
    // It may renew it once more after this.
    const renewedAtMs = Date.parse((await readLease(plane, namespace)).spec?.renewTime ?? '');
    if (kind === 'stop') await plane.stopApiserver();
    else await plane.freezeApiserver();
    const awayAtMs = performance.now();
    const { renewDeadlineMs } = defaultLeaseTimings;
    await letTimePass(renewedAtMs + renewDeadlineMs - 2_000 - Date.now(), 'it may act until its deadline');
    expect(first.lease.held()).toBe(true);
    await letTimePass(awayAtMs + renewDeadlineMs + 1 - performance.now(), 'the deadline, were it renewed in the last moment');
    expect(first.lease.held()).toBe(false);
    await until(() => first.changes.length > 1, { everyMs: 5, what: 'the word of it' });
    expect(first.changes).toEqual([true, false]);
    await letTimePass(20_000 - (performance.now() - awayAtMs), 'the rest of the outage');
    expect([first.lease.held(), second.lease.held()]).toEqual([false, false]);
    if (kind === 'stop') await plane.startApiserver();
    else plane.thawApiserver();
    const held = await until(() => [first, second].find(({ lease }) => lease.held()), { timeoutMs: 60_000, what: 'a holder' });
    expect([first, second].filter(({ lease }) => lease.held())).toEqual([held]);
    expect(held.changes.at(-1)).toBe(true);
  });

  it('a restart of the API server is not even noticed', async () => {
    const namespace = namespaceOf(2);
    // However long it takes to start.
    const timings = { ...defaultLeaseTimings, leaseDurationMs: 90_000, renewDeadlineMs: 80_000 };
    await using one = await contender(plane, namespace, { timings });
    await plane.restartApiserver();
    const { spec } = await until(() => readLease(plane, namespace).catch(() => undefined), { what: 'the API server' });
    await until(async () => (await readLease(plane, namespace)).spec?.renewTime !== spec?.renewTime, { what: 'a renewal' });
    expect(one.changes).toEqual([true]);
  });
});
