// The API server is restarted, and is away for a minute, while work arrives and ends.

import { expect, it } from 'vitest';
import { createGate } from '../integration/gate.ts';
import { startControlPlane } from '../kubernetes/control-plane.ts';
import { letTimePass, until } from '../until.ts';
import { eventually } from './fleet-checks.ts';
import { type Fleet, startFleet } from './fleet-rig.ts';
import { expectSafe, leading, readiness } from './fleet-safety.ts';

const AWAY_MS = 60_000;
const scaling = '{ min: 0, max: 4, goal: { queueWait: 2s, expectedTaskTime: 1s, expectedStartTime: 3s }, idleToZero: 4s, downDelay: 2s }';

const oneLeads = (fleet: Fleet): Promise<unknown> =>
  eventually(
    fleet,
    'one that leads and one that stands by',
    async () => {
      const said = await Promise.all(fleet.autoscalers.map(readiness));
      return said.toSorted().join(' ') === 'ok standby';
    },
    { timeoutMs: 120_000 },
  );

it('an API server that is restarted, and one that is away for a minute, cost nobody his work; both autoscalers go on', {
  timeout: 900_000,
}, async () => {
  await using cluster = await startControlPlane();
  await using fleet = await startFleet({ broker: 'redis', cluster, autoscalers: 2, pools: [{ name: 'load', slots: 1, scaling }] });
  const started = (ids: readonly string[]): boolean => ids.every((id) => fleet.ledger.counts().starts.has(id));

  // Restarted in the middle of growth and work.
  const first = await fleet.publish('load', 12, 1_000);
  await eventually(fleet, 'work under way', () => first.some((id) => fleet.ledger.counts().starts.has(id)), { timeoutMs: 120_000 });
  await cluster.restartApiserver();
  await fleet.ledger.allEnded(first, 120_000);
  await fleet.atZero('load');
  await oneLeads(fleet);

  // Away: one long task outlasts it, one ends meanwhile, and new work comes.
  using gate = createGate();
  const outlasts = await fleet.publish('load', 1, 0, gate);
  const ends = await fleet.publish('load', 1, 20_000);
  await eventually(fleet, 'both at work', () => started([...outlasts, ...ends]), { timeoutMs: 120_000 });
  await cluster.stopApiserver();
  const awayAtMs = performance.now();
  await letTimePass(15_000, 'leases run out, views grow old');
  // Whoever is there takes some of it; the rest waits for more pods.
  const meanwhile = await fleet.publish('load', 6, 6_000);
  await letTimePass(15_000, 'the outage goes on');
  expect(fleet.autoscalers.map(({ process }) => process.child.exitCode)).toEqual([null, null]);
  expect(await leading(fleet.autoscalers)).toBeUndefined();
  await letTimePass(AWAY_MS - (performance.now() - awayAtMs) - 6_000, 'the outage goes on');
  const late = await fleet.publish('load', 12, 1_000, gate);
  await letTimePass(Math.max(0, AWAY_MS - (performance.now() - awayAtMs)), 'the outage goes on');
  const before = fleet.changes('load').at(-1) ?? 0;
  const seen = fleet.history('load').length;
  await cluster.startApiserver();
  // It is back: the first thing that happens is growth.
  await eventually(fleet, 'growth', async () => (await fleet.wanted('load')) > before, { timeoutMs: 120_000 });
  expect(
    fleet
      .changes('load')
      .slice(seen)
      .find((replicas) => replicas !== before),
  ).toBeGreaterThan(before);
  expect(outlasts.filter((id) => fleet.ledger.counts().ends.has(id))).toEqual([]);
  gate.open();
  await oneLeads(fleet);
  const ids = [...first, ...outlasts, ...ends, ...meanwhile, ...late];
  await fleet.ledger.allEnded(ids, 180_000);
  await fleet.atZero('load', 180_000); // the controllers come back from the outage in their own time
  await until(() => fleet.kubelet.pods().length === 0, { timeoutMs: 60_000, what: 'no pod left' });
  expectSafe(fleet, 'load', ids);
});
