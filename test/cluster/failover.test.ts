// Two autoscalers, one lease: the one that holds it is killed or stopped in any place, and the other carries on without a wrong decrease.

import { describe, expect, it } from 'vitest';
import { createGate } from '../integration/gate.ts';
import { startApiProxy } from '../kubernetes/api-proxy.ts';
import { resourcePath } from '../kubernetes/objects.ts';
import { letTimePass, until } from '../until.ts';
import { type AutoscalerProcess, type Fleet, type FleetPool, said, startFleet } from './fleet-rig.ts';
import { readLease } from './lease-rig.ts';

/** One slot for each replica, so that every task is a replica of its own; gone as soon as it is not needed. */
const pool: FleetPool = {
  name: 'jobs',
  slots: 1,
  scaling: '{ min: 0, max: 4, goal: { queueWait: 1s, expectedTaskTime: 20s, expectedStartTime: 3s }, idleToZero: 2s, downDelay: 2s }',
};
const took = /took the lease/;

/** The first to start holds the lease. */
async function pair(fleet: Fleet, kubeconfig?: string): Promise<readonly [AutoscalerProcess, AutoscalerProcess]> {
  const first = await fleet.startAutoscaler(kubeconfig === undefined ? {} : { kubeconfig });
  await first.process.line(took);
  const second = await fleet.startAutoscaler();
  expect(second.process.output()).not.toMatch(took);
  return [first, second];
}

async function begun(fleet: Fleet, ids: readonly string[]): Promise<void> {
  const all = (): boolean => ids.every((id) => fleet.ledger.counts().starts.has(id));
  await until(all, { timeoutMs: 90_000, what: `${ids.length} tasks to run` }).catch((error: Error) => {
    throw new Error(`${error.message}\n${said(fleet.autoscalers)}`);
  });
}

async function endsWell(fleet: Fleet, ids: readonly string[]): Promise<void> {
  await fleet.ledger.allEnded(ids, 90_000);
  await fleet.atZero('jobs');
  expect(fleet.ledger.duplicated()).toEqual([]);
  expect(fleet.kubelet.records.filter((record) => record.killed)).toEqual([]);
}

/** What `spec.replicas` was lowered to from a moment on. */
function decreases(fleet: Fleet, fromMs: number, toMs: number): readonly number[] {
  const history = fleet.history('jobs');
  return history.flatMap(({ replicas, atMs }, index) => {
    const before = history[index - 1]?.replicas ?? 0;
    return replicas < before && atMs >= fromMs && atMs <= toMs ? [replicas] : [];
  });
}

describe('a leader that is killed under load', () => {
  it('is followed without a decrease, and what it had learnt is known', async () => {
    await using fleet = await startFleet({ broker: 'redis', pools: [pool], autoscalers: 0 });
    const [first, second] = await pair(fleet);
    using gate = createGate();
    const long = await fleet.publish('jobs', 3, 0, gate);
    await begun(fleet, long);
    // Long enough for what it knows of the pool to be written with a renewal.
    await until(async () => JSON.stringify((await readLease(fleet.cluster, fleet.namespace)).metadata.annotations ?? {}).includes('jobs'), {
      timeoutMs: 60_000,
      what: 'the memory in the Lease',
    });
    const killedAtMs = Date.now();
    first.process.signal('SIGKILL');
    const more = await fleet.publish('jobs', 1, 3_000);
    await second.process.line(took, 60_000);
    await begun(fleet, more);
    await fleet.ledger.allEnded(more, 60_000);
    await letTimePass(6_000, 'longer than idleToZero and downDelay');
    expect(decreases(fleet, killedAtMs, Date.now()).filter((to) => to < 3)).toEqual([]);
    gate.open();
    await endsWell(fleet, [...long, ...more]);
    expect((await second.explain('jobs')).pool).toBe('jobs');
  });
});

describe('a leader that is stopped and goes on after it was followed', () => {
  it.each(['cordon', 'mark', 'remove'])('in the middle of a scale-in (%s) ends no busy pod', async (stage) => {
    await using fleet = await startFleet({ broker: 'redis', pools: [pool], autoscalers: 0 });
    const [first, second] = await pair(fleet);
    const long = await fleet.publish('jobs', 1, 30_000);
    const short = await fleet.publish('jobs', 3, 2_000);
    await begun(fleet, [...long, ...short]);
    await first.process.line(new RegExp(`scale-in: ${stage}`), 90_000);
    first.process.signal('SIGSTOP');
    await second.process.line(took, 60_000);
    const more = await fleet.publish('jobs', 3, 8_000);
    await begun(fleet, more);
    first.process.signal('SIGCONT');
    await first.process.line(/lost the lease/, 60_000);
    await endsWell(fleet, [...long, ...short, ...more]);
    // Every replica takes tasks again: nobody was left cordoned.
    const all = await fleet.publish('jobs', 4, 3_000);
    await begun(fleet, all);
    await endsWell(fleet, all);
  });

  it('with a shrink on its way to the API server: it is refused there', async () => {
    await using fleet = await startFleet({ broker: 'redis', pools: [pool], autoscalers: 0 });
    await using proxy = await startApiProxy(fleet.cluster);
    const [first, second] = await pair(fleet, proxy.through(fleet.kubeconfig));
    using gate = createGate();
    const long = await fleet.publish('jobs', 1, 0, gate);
    const short = await fleet.publish('jobs', 2, 2_000);
    await begun(fleet, [...long, ...short]);
    const scale = resourcePath('Deployment', fleet.namespace, 'jobs', 'scale');
    const shrink = proxy.hold(({ method, path, body }) => {
      return method === 'PATCH' && path.startsWith(scale) && (JSON.parse(body) as { spec: { replicas: number } }).spec.replicas < 3;
    });
    await until(() => shrink.met.length === 1, { timeoutMs: 90_000, what: 'the shrink' });
    first.process.signal('SIGSTOP');
    await second.process.line(took, 60_000);
    // They were cordoned, idle and as good as gone; now each of them works.
    const more = await fleet.publish('jobs', 2, 0, gate);
    await begun(fleet, more);
    expect(await fleet.wanted('jobs')).toBe(3);
    shrink.release();
    const status = await until(() => shrink.met[0]?.status, { what: "the API server's answer to the late shrink" });
    expect(status).toBe(409);
    expect(await fleet.wanted('jobs')).toBe(3);
    first.process.signal('SIGCONT');
    await first.process.line(/lost the lease/, 60_000);
    expect(await fleet.running('jobs')).toHaveLength(3);
    gate.open();
    await endsWell(fleet, [...long, ...short, ...more]);
  });
});
