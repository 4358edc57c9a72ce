// Scale-ins under load, again and again: whatever runs when a pod is chosen, no task is killed, lost or run twice.

import { expect, it } from 'vitest';
import { until } from '../until.ts';
import { STEADY_LEASE, said, startFleet } from './fleet-rig.ts';
import { runsOf } from './fleet-safety.ts';

const LONG = process.env['CELERIAC_CLUSTER_LONG'] === '1';
const SCALE_INS = LONG ? 200 : 40;

const scaling =
  '{ min: 0, max: 8, goal: { queueWait: 3s, expectedTaskTime: 500ms, expectedStartTime: 2s }, idleToZero: 1m, downDelay: 1s }';

it(`${SCALE_INS} pods taken out under load: nothing killed, nothing lost, nothing twice`, {
  timeout: LONG ? 1_800_000 : 900_000,
}, async () => {
  await using fleet = await startFleet({ broker: 'redis', config: STEADY_LEASE, pools: [{ name: 'load', scaling, slots: 2 }] });
  const published: string[] = [];
  const taken = (): number => fleet.kubelet.records.filter((record) => record.termAtMs !== undefined).length;
  let round = 0;
  while (taken() < SCALE_INS) {
    round += 1;
    const before = taken();
    // a burst that wants every pod, and long tasks that keep some of them busy while the others are taken out
    published.push(...(await fleet.publish('load', 60, 300)));
    published.push(...(await fleet.publish('load', 2, 4_000 + (round % 3) * 1_500)));
    // while pods are being taken out, single tasks keep arriving: some meet a pod that was just picked
    await until(
      async () => {
        published.push(...(await fleet.publish('load', 1, 150 + (published.length % 5) * 100)));
        return taken() >= before + 3;
      },
      { timeoutMs: 120_000, everyMs: 400, what: `three more scale-ins in round ${round}` },
    ).catch((error: Error) => {
      throw new Error(`${error.message}\nreplicas: ${fleet.changes('load').join(' ')}\n${said(fleet.autoscalers)}`);
    });
  }
  await fleet.ledger.allEnded(published, 120_000);
  const records = fleet.kubelet.records.filter((record) => record.termAtMs !== undefined);
  console.log(
    `${records.length} pods taken out in ${round} rounds under ${published.length} tasks; ` +
      `killed ${records.filter((record) => record.killed).length}, lost ${fleet.ledger.lost(published).length}, twice ${fleet.ledger.duplicated().length}`,
  );
  expect(records.filter((record) => record.killed)).toEqual([]);
  expect(records.filter((record) => record.endedAtMs !== undefined && record.exitCode !== 0)).toEqual([]);
  expect(fleet.ledger.lost(published)).toEqual([]);
  expect(fleet.ledger.duplicated()).toEqual([]);
  // nobody who was told to go was running a task, or began one from then on
  const toldAtMs = new Map(records.map(({ pod, termAtMs }) => [pod, termAtMs ?? 0]));
  const runs = runsOf(fleet);
  expect(runs.filter(({ pod, endMs }) => endMs > (toldAtMs.get(pod) ?? Number.POSITIVE_INFINITY))).toEqual([]);
  // the pods of the ledger are those of the kubelet
  expect(runs.filter(({ pod }) => toldAtMs.has(pod)).length).toBeGreaterThan(0);
});
