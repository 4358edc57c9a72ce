// A quota that leaves room for two pods where more are wanted: what was not made is not wanted for long, one probe a minute shows when
// there is room, and the quota of another namespace does not matter.

import { describe, expect, it } from 'vitest';
import { resourceQuota } from '../kubernetes/manifests.ts';
import { resourcePath } from '../kubernetes/objects.ts';
import { letTimePass } from '../until.ts';
import { eventually, expectUnharmed, explained, moves, ownEvents, podsOf, poolOf } from './fleet-checks.ts';
import { type Fleet, startFleet } from './fleet-rig.ts';

const ROOM = 2;
const scaling = '{ min: 0, max: 4, goal: { queueWait: 4s, expectedTaskTime: 5s, expectedStartTime: 3s }, idleToZero: 3s, downDelay: 2s }';

/** A fleet that wants four pods and may have two. */
async function startTight(count: number, ms: number): Promise<{ readonly fleet: Fleet; readonly ids: readonly string[] }> {
  const fleet = await startFleet({ broker: 'redis', pools: [{ name: 'tight', scaling }] });
  await fleet.cluster.created(fleet.namespace, resourceQuota('few', { pods: String(ROOM) }));
  await eventually(fleet, 'a quota in force', async () => {
    const quota = await fleet.cluster.api.get<{ status?: { hard?: { pods?: string } } }>(
      resourcePath('ResourceQuota', fleet.namespace, 'few'),
    );
    return quota.status?.hard?.pods === String(ROOM);
  });
  const ids = await fleet.publish('tight', count, ms);
  await eventually(fleet, 'the number clamped to what was made', async () => {
    const { up, down } = moves(fleet, 'tight');
    return up > 0 && down > 0 && (await fleet.wanted('tight')) === ROOM;
  });
  return { fleet, ids };
}

describe.concurrent('a quota for two pods', () => {
  it('is said, holds nothing else up, and the pool grows when it is raised', { timeout: 240_000 }, async () => {
    const { fleet, ids } = await startTight(14, 8_000);
    await using _ = fleet;
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
      await fleet.ledger.allEnded(ids, 60_000);
      await fleet.atZero('tight');
      await expectUnharmed(fleet, ids);
    } finally {
      await fleet.cluster.deleteNamespace(elsewhere);
    }
  });

  it('does not keep a pool from coming back to the size it had', { timeout: 120_000 }, async () => {
    const { fleet, ids } = await startTight(8, 300);
    await using _ = fleet;
    await fleet.ledger.allEnded(ids, 30_000);
    await fleet.atZero('tight');
    const again = await fleet.publish('tight', 8, 300);
    await fleet.ledger.allEnded(again, 20_000);
    expect(Math.max(...fleet.changes('tight').slice(-3))).toBe(ROOM);
    await fleet.atZero('tight');
    await expectUnharmed(fleet, [...ids, ...again]);
  });

  it('costs one probe a minute at most, however long it lasts', { timeout: 240_000 }, async () => {
    const { fleet, ids: long } = await startTight(16, 18_000);
    await using _ = fleet;
    // short ones behind four rounds of long ones: they wait for longer than the minute
    const ids = [...long, ...(await fleet.publish('tight', 4, 300))];
    const clampedMs = Date.now();
    await letTimePass(70_000, 'a minute and more, in which one probe is allowed');
    const since = moves(fleet, 'tight', clampedMs);
    console.log(`since the clamp: ${JSON.stringify(since)}, ${fleet.changes('tight').join(' ')}`);
    expect(since.up).toBeLessThanOrEqual(1);
    expect(since.down).toBeLessThanOrEqual(1);
    const probes = fleet.history('tight').filter(({ atMs, replicas }) => atMs >= clampedMs && replicas > ROOM);
    for (const { replicas, atMs } of probes) {
      expect(replicas).toBe(ROOM + 1);
      expect(atMs - clampedMs).toBeGreaterThan(50_000);
    }
    await fleet.ledger.allEnded(ids, 60_000);
    await fleet.atZero('tight');
    await expectUnharmed(fleet, ids);
  });
});
