// From zero to the size needed and back to zero, on a real control plane with real workers.

import { describe, expect, it } from 'vitest';
import { until } from '../until.ts';
import { said, startFleet } from './fleet-rig.ts';

describe.each(['redis', 'rabbitmq'] as const)('on %s', (broker) => {
  it('goes 0 -> N at once, runs every task once, and goes back to zero, twice', async () => {
    await using fleet = await startFleet({ broker, pools: [{ name: 'emails' }] });
    for (const round of [1, 2]) {
      const before = fleet.changes('emails').length;
      const ids = await fleet.publish('emails', 24, 700);
      await fleet.ledger.allEnded(ids, 60_000).catch((error: Error) => {
        throw new Error(`round ${round}: ${error.message}\n${said(fleet.autoscalers)}`);
      });
      await fleet.atZero('emails');
      expect(fleet.ledger.duplicated()).toEqual([]);
      // 24 tasks of a second at most with a goal of 4 s want more than one pod of two slots. The pool is woken by the first message, while
      // the others are still arriving; the size for all of them is there at once, not by a ramp.
      const grown = fleet.history('emails').slice(before);
      const [first] = grown;
      const soon = grown.filter(({ atMs }) => atMs - (first?.atMs ?? 0) < 500).map(({ replicas }) => replicas);
      expect(Math.max(...soon)).toBeGreaterThanOrEqual(3);
    }
    expect(fleet.kubelet.records.filter((record) => record.killed)).toEqual([]);
    const [autoscaler] = fleet.autoscalers;
    expect(await autoscaler?.metrics()).toMatch(/^celeriac_tasks_killed_total\{[^}]*\} 0$/m);
    const events = await fleet.cluster.api.get<{ items: { reason: string; involvedObject: { name: string } }[] }>(
      `/api/v1/namespaces/${fleet.namespace}/events`,
    );
    const own = events.items.filter(({ involvedObject, reason }) => involvedObject.name === 'emails' && reason !== 'ScalingReplicaSet');
    expect(own.length).toBeGreaterThan(0);
  });

  it('spares who works: idle pods go first, busy ones only when they are done', async () => {
    await using fleet = await startFleet({ broker, pools: [{ name: 'mixed' }] });
    const long = await fleet.publish('mixed', 1, 25_000);
    await until(() => fleet.ledger.counts().starts.has(long[0] ?? ''), { timeoutMs: 30_000, what: 'the long task to run' });
    const short = await fleet.publish('mixed', 30, 400);
    await fleet.ledger.allEnded(short, 60_000);
    await until(async () => (await fleet.wanted('mixed')) === 1, { timeoutMs: 30_000, what: 'one replica left beside the long task' });
    expect(fleet.ledger.counts().ends.has(long[0] ?? '')).toBe(false);
    await fleet.ledger.allEnded(long, 60_000);
    await fleet.atZero('mixed');
    expect(fleet.ledger.duplicated()).toEqual([]);
    expect(fleet.kubelet.records.filter((record) => record.killed)).toEqual([]);
  });
});
