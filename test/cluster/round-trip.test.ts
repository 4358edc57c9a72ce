// From zero to the size needed and back to zero, on a real control plane with real workers.

import { describe, expect, it } from 'vitest';
import { createGate } from '../integration/gate.ts';
import { isStopped } from '../process-table.ts';
import { until } from '../until.ts';
import { STEADY_LEASE, said, startFleet } from './fleet-rig.ts';
import { runsOf } from './fleet-safety.ts';

describe.each(['redis', 'rabbitmq'] as const)('on %s', (broker) => {
  it('goes 0 -> N at once, runs every task once, and goes back to zero, twice', async () => {
    await using fleet = await startFleet({ broker, config: STEADY_LEASE, pools: [{ name: 'emails' }] });
    const [autoscaler] = fleet.autoscalers;
    if (autoscaler === undefined) throw new Error('no autoscaler');
    for (const round of [1, 2]) {
      const before = fleet.changes('emails').length;
      // The pool is woken by the first message, while the others are still arriving; in the second round all are there when it looks.
      if (round === 2) {
        autoscaler.process.signal('SIGSTOP');
        await until(() => isStopped(autoscaler.process.pid), { what: 'the autoscaler stopped' });
      }
      const ids = await fleet.publish('emails', 24, 700);
      autoscaler.process.signal('SIGCONT');
      await fleet.ledger.allEnded(ids, 120_000).catch((error: Error) => {
        throw new Error(`round ${round}: ${error.message}\n${said(fleet.autoscalers)}`);
      });
      await fleet.atZero('emails');
      expect(fleet.ledger.duplicated()).toEqual([]);
      // 24 tasks of a second at most with a goal of 4 s want more than one pod of two slots. The size for all of them is asked for at once,
      // before the first pod is up, not by a ramp.
      const firstStartMs = Math.min(...runsOf(fleet).flatMap(({ id, startMs }) => (ids.includes(id) ? [startMs] : [])));
      const grown = fleet.history('emails').slice(before);
      const soon = round === 1 ? grown.filter(({ atMs }) => atMs < firstStartMs) : grown.slice(0, 1);
      expect(Math.max(...soon.map(({ replicas }) => replicas))).toBeGreaterThanOrEqual(3);
    }
    expect(fleet.kubelet.records.filter((record) => record.killed)).toEqual([]);
    expect(await autoscaler.metrics()).toMatch(/^celeriac_tasks_killed_total\{[^}]*\} 0$/m);
    const events = await fleet.cluster.api.get<{ items: { reason: string; involvedObject: { name: string } }[] }>(
      `/api/v1/namespaces/${fleet.namespace}/events`,
    );
    const own = events.items.filter(({ involvedObject, reason }) => involvedObject.name === 'emails' && reason !== 'ScalingReplicaSet');
    expect(own.length).toBeGreaterThan(0);
  });

  it('spares who works: idle pods go first, busy ones only when they are done', async () => {
    await using fleet = await startFleet({ broker, config: STEADY_LEASE, pools: [{ name: 'mixed' }] });
    using gate = createGate();
    const long = await fleet.publish('mixed', 1, 0, gate);
    await until(() => fleet.ledger.counts().starts.has(long[0] ?? ''), { timeoutMs: 60_000, what: 'the long task to run' });
    const short = await fleet.publish('mixed', 30, 400);
    await fleet.ledger.allEnded(short, 120_000);
    await until(async () => (await fleet.wanted('mixed')) === 1, { timeoutMs: 120_000, what: 'one replica left beside the long task' });
    expect(fleet.ledger.counts().ends.has(long[0] ?? '')).toBe(false);
    gate.open();
    await fleet.ledger.allEnded(long, 60_000);
    await fleet.atZero('mixed');
    expect(fleet.ledger.duplicated()).toEqual([]);
    expect(fleet.kubelet.records.filter((record) => record.killed)).toEqual([]);
  });
});
