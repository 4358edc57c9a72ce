// A quota that leaves room for two pods where more are wanted: what was not made is not wanted for long, one probe a minute shows when
// there is room, and the quota of another namespace does not matter.

import { describe, expect, it } from 'vitest';
import { createGate, type Gate } from '../integration/gate.ts';
import { createQuota } from '../kubernetes/in-force.ts';
import { resourceQuota } from '../kubernetes/manifests.ts';
import { resourcePath } from '../kubernetes/objects.ts';
import { letTimePass } from '../until.ts';
import { eventually, expectUnharmed, explained, moves, ownEvents, podsOf, poolOf } from './fleet-checks.ts';
import { type Fleet, STEADY_LEASE, startFleet } from './fleet-rig.ts';

const ROOM = 2;
const scaling = '{ min: 0, max: 4, goal: { queueWait: 4s, expectedTaskTime: 5s, expectedStartTime: 3s }, idleToZero: 3s, downDelay: 2s }';

/** A fleet that may have two pods. */
async function startTight(): Promise<Fleet> {
  const fleet = await startFleet({ broker: 'redis', config: STEADY_LEASE, pools: [{ name: 'tight', scaling }] });
  await createQuota(fleet.cluster, fleet.namespace, 'few', { pods: String(ROOM) });
  return fleet;
}

/** Publishes what four pods are wanted for, and waits until as many are wanted as there may be. Resolves when more were asked for, too. */
async function clamped(fleet: Fleet, count: number, gate: Gate): Promise<{ readonly ids: readonly string[]; readonly askedAtMs: number }> {
  const ids = await fleet.publish('tight', count, 300, gate);
  await eventually(fleet, 'the number clamped to what was made', async () => {
    const { up, down } = moves(fleet, 'tight');
    return up > 0 && down > 0 && (await fleet.wanted('tight')) === ROOM;
  });
  const asked = fleet.history('tight').findLast(({ replicas }) => replicas > ROOM);
  return { ids, askedAtMs: asked?.atMs ?? Number.NaN };
}

describe.concurrent('a quota for two pods', () => {
  it('is said, holds nothing else up, and the pool grows when it is raised', { timeout: 400_000 }, async () => {
    await using fleet = await startTight();
    using gate = createGate();
    const { ids } = await clamped(fleet, 14, gate);
    const elsewhere = await fleet.cluster.createNamespace();
    try {
      await fleet.cluster.created(elsewhere, resourceQuota('none', { pods: '0' }));
      expect((await podsOf(fleet, 'tight')).length).toBe(ROOM);
      expect((await poolOf(fleet, 'tight')).limited).toMatch(/FailedCreate.*exceeded quota: few/);
      expect(await explained(fleet, 'tight')).toMatch(/FailedCreate.*exceeded quota: few/);
      const quotaEvents = async () => (await ownEvents(fleet, 'tight')).filter(({ message }) => /exceeded quota/.test(message));
      await eventually(fleet, 'an Event that names the quota', async () => (await quotaEvents()).length > 0);
      const before = moves(fleet, 'tight');
      await letTimePass(5_000, 'turns that must neither ask again nor say it again');
      expect(await quotaEvents()).toHaveLength(1);
      expect(moves(fleet, 'tight')).toEqual(before);

      const raisedMs = Date.now();
      await fleet.cluster.api.patch(resourcePath('ResourceQuota', fleet.namespace, 'few'), { spec: { hard: { pods: '10' } } });
      await eventually(fleet, 'more pods by itself', async () => (await fleet.running('tight')).length > ROOM);
      console.log(`grew ${Date.now() - raisedMs} ms after the quota was raised`);
      await eventually(fleet, 'no limit any more', async () => (await poolOf(fleet, 'tight')).limited === null);
      gate.open();
      await fleet.ledger.allEnded(ids, 60_000);
      await fleet.atZero('tight');
      await expectUnharmed(fleet, ids);
    } finally {
      await fleet.cluster.deleteNamespace(elsewhere);
    }
  });

  it('does not keep a pool from coming back to the size it had', { timeout: 400_000 }, async () => {
    await using fleet = await startTight();
    using gate = createGate();
    const { ids, askedAtMs } = await clamped(fleet, 8, gate);
    gate.open();
    await fleet.ledger.allEnded(ids, 60_000);
    await fleet.atZero('tight');
    const before = fleet.changes('tight').length;
    using second = createGate();
    const again = await fleet.publish('tight', 8, 300, second);
    await eventually(fleet, 'the size it had', async () => (await fleet.wanted('tight')) === ROOM, { timeoutMs: 40_000 });
    second.open();
    await fleet.ledger.allEnded(again, 60_000);
    // nothing beyond it, but for the one probe that may come a minute after the refusal
    const early = fleet.history('tight').filter(({ atMs }, index) => index >= before && atMs - askedAtMs < 50_000);
    expect(early.filter(({ replicas }) => replicas > ROOM)).toEqual([]);
    await fleet.atZero('tight');
    await expectUnharmed(fleet, [...ids, ...again]);
  });

  it('costs one probe a minute at most, however long it lasts', { timeout: 400_000 }, async () => {
    await using fleet = await startTight();
    using gate = createGate();
    const { ids, askedAtMs } = await clamped(fleet, 20, gate);
    const clampedMs = Date.now();
    await letTimePass(70_000, 'a minute and more, in which one probe is allowed');
    const since = moves(fleet, 'tight', clampedMs);
    console.log(`since the clamp: ${JSON.stringify(since)}, ${fleet.changes('tight').join(' ')}`);
    expect(since.up).toBeLessThanOrEqual(1);
    expect(since.down).toBeLessThanOrEqual(1);
    const probes = fleet.history('tight').filter(({ atMs, replicas }) => atMs >= clampedMs && replicas > ROOM);
    for (const { replicas, atMs } of probes) {
      expect(replicas).toBe(ROOM + 1);
      expect(atMs - askedAtMs).toBeGreaterThan(50_000);
    }
    gate.open();
    await fleet.ledger.allEnded(ids, 60_000);
    await fleet.atZero('tight');
    await expectUnharmed(fleet, ids);
  });
});
