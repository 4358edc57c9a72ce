// Watches behind a half-open connection: nothing ends them, and nothing comes.

import { expect, it } from 'vitest';
import { isScale, signalAgeS, startFaulty, work } from './faulty-fleet.ts';
import { eventually } from './fleet-checks.ts';
import { expectSafe } from './fleet-safety.ts';

it('watches that are silent are given up after a minute and a half; until then nothing is taken out by what they showed last', async () => {
  await using faulty = await startFaulty();
  const { proxy, fleet, autoscaler } = faulty;
  const ids = [...(await work(fleet, 4, 1_500))];
  // Of pods, Deployments, ReplicaSets and quotas.
  await eventually(fleet, 'all watches open', () => proxy.openWatches >= 4);
  proxy.deafenWatches();
  const deafAtMs = Date.now();
  const asked = proxy.requests.length;
  // It still sees the work, and can still write.
  ids.push(...(await work(fleet, 6, 1_500)));
  await eventually(fleet, 'the silence in its metric', async () => (await signalAgeS(autoscaler)) > 60, {
    timeoutMs: 80_000,
    everyMs: 1_000,
  });
  const writes = proxy.requests.slice(asked).filter(isScale);
  expect(writes.length).toBeLessThan(20);
  await fleet.atZero('load');
  expect(Date.now() - deafAtMs).toBeGreaterThan(60_000);
  expect(autoscaler.process.output()).toMatch(/no byte for 90 s/);
  expectSafe(fleet, 'load', ids);
});
