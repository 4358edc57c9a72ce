// A pool that KEDA scales: the number is asked for as its trigger `metrics-api` asks, and written as KEDA and its HorizontalPodAutoscaler
// write it, who know nothing of tasks. The real ReplicaSet controller chooses who goes.

import { describe, expect, it } from 'vitest';
import { createGate } from '../integration/gate.ts';
import { type KubeObject, resourcePath } from '../kubernetes/objects.ts';
import { letTimePass, until } from '../until.ts';
import { eventually, leader, metric, podsOf } from './fleet-checks.ts';
import { type Fleet, type FleetPool, STEADY_LEASE, startFleet } from './fleet-rig.ts';
import { expectSafe, runsOf } from './fleet-safety.ts';

const DELETION_COST = 'controller.kubernetes.io/pod-deletion-cost';
const DISRUPT = 'karpenter.sh/do-not-disrupt';

/** One slot for each replica: every task is a replica of its own. */
const pool: FleetPool = {
  name: 'jobs',
  slots: 1,
  scaling:
    '{ mode: dry-run, min: 0, max: 6, goal: { queueWait: 1s, expectedTaskTime: 20s, expectedStartTime: 3s }, idleToZero: 3s, downDelay: 2s }',
  deployment: 'otherWriters: ignore, protectBusy: true',
};

interface Asked {
  readonly status: number;
  readonly body: { readonly replicas?: number; readonly ready?: boolean; readonly error?: string };
}

async function ask(fleet: Fleet, name = 'jobs', server = leader(fleet).server): Promise<Asked> {
  const response = await fetch(`${server}/api/keda/${name}`);
  return { status: response.status, body: (await response.json()) as Asked['body'] };
}

/** Asks and writes until it is stopped: nothing on an error, one replica first from zero (KEDA's operator), then the number as it is told. */
function startScaler(fleet: Fleet): { stop(): Promise<void> } {
  const scale = resourcePath('Deployment', fleet.namespace, 'jobs', 'scale');
  let stopped = false;
  const run = async (): Promise<void> => {
    while (!stopped) {
      const { status, body } = await ask(fleet);
      const now = (await fleet.cluster.api.get<KubeObject<{ replicas?: number }>>(scale)).spec?.replicas ?? 0;
      const to = body.replicas ?? now;
      if (status === 200 && to !== now)
        await fleet.cluster.api.patch(scale, { spec: { replicas: now === 0 ? 1 : to } }).catch(() => undefined);
      await letTimePass(200, 'between two looks of a HorizontalPodAutoscaler');
    }
  };
  const running = run();
  return {
    stop: async () => {
      stopped = true;
      await running;
    },
  };
}

const names = (pods: readonly KubeObject[]): readonly string[] => pods.map((one) => one.metadata.name).toSorted();
const annotated = (pods: readonly KubeObject[], name: string): readonly string[] =>
  names(pods.filter((one) => one.metadata.annotations?.[name] !== undefined));

describe('a pool that KEDA scales', () => {
  it('goes from zero and back; idle pods go before busy ones, and nothing is killed', async () => {
    await using fleet = await startFleet({ broker: 'redis', config: STEADY_LEASE, pools: [pool, { name: 'ours' }] });
    await eventually(fleet, 'an answer', async () => (await ask(fleet)).status === 200);
    expect(await ask(fleet)).toEqual({ status: 200, body: { pool: 'jobs', replicas: 0, ready: true } });
    expect(await ask(fleet, 'job')).toMatchObject({ status: 404, body: { error: expect.stringMatching(/did you mean jobs/) } });
    expect(await ask(fleet, 'ours')).toMatchObject({ status: 409, body: { error: expect.stringMatching(/mode on: set it to dry-run/) } });

    const scaler = startScaler(fleet);
    const ids: string[] = [];
    try {
      using gate = createGate();
      const long = await fleet.publish('jobs', 2, 0, gate);
      const short = await fleet.publish('jobs', 4, 1_500);
      ids.push(...long, ...short);
      const startedIn = (): readonly string[] => runsOf(fleet).flatMap(({ id, pod }) => (long.includes(id) ? [pod] : []));
      await until(() => startedIn().length === 2, { timeoutMs: 90_000, what: 'both long tasks to run' });
      const busy = startedIn().toSorted();
      const isShrunk = async (): Promise<boolean> => {
        const pods = names(await fleet.running('jobs'));
        return pods.length === 2 && (await fleet.wanted('jobs')) === 2;
      };
      await eventually(fleet, 'the idle ones to go', isShrunk, { timeoutMs: 90_000 });
      expect(long.filter((id) => fleet.ledger.counts().ends.has(id))).toEqual([]);
      expect(names(await fleet.running('jobs'))).toEqual(busy);
      const pods = await fleet.running('jobs');
      expect(annotated(pods, DELETION_COST)).toEqual(busy);
      expect(annotated(pods, DISRUPT)).toEqual(busy);
      gate.open();
      await fleet.ledger.allEnded(ids, 90_000);
      await fleet.atZero('jobs');
    } finally {
      await scaler.stop();
    }
    expectSafe(fleet, 'jobs', ids);
    expect(Math.max(...fleet.changes('jobs'))).toBeGreaterThan(2);
    // All writes were the scaler's.
    const text = await leader(fleet).metrics();
    expect(metric(text, 'scale_writes_total', { pool: 'jobs', result: 'written' })).toBe(0);
  });

  it('is not shrunk by the number while its pods carry no marks, nor told of by one that stands by', async () => {
    const unprotected = { ...pool, deployment: 'otherWriters: ignore' };
    await using fleet = await startFleet({ broker: 'redis', config: STEADY_LEASE, pools: [unprotected], autoscalers: 2 });
    const [first] = fleet.autoscalers;
    const leads = first?.server ?? '';
    expect(await ask(fleet)).toMatchObject({ status: 503, body: { error: expect.stringMatching(/does not hold the lease/) } });
    await eventually(fleet, 'an answer', async () => (await ask(fleet, 'jobs', leads)).status === 200);
    using gate = createGate();
    const long = await fleet.publish('jobs', 1, 0, gate);
    const scale = resourcePath('Deployment', fleet.namespace, 'jobs', 'scale');
    await fleet.cluster.api.patch(scale, { spec: { replicas: 3 } });
    const busy = await eventually(fleet, 'the task to run', () => runsOf(fleet)[0]?.pod, { timeoutMs: 90_000 });
    // However long after one another they came up: it would be the first to go.
    const looks = { metadata: { annotations: { [DELETION_COST]: '-100' } } };
    await fleet.cluster.api.patch(resourcePath('Pod', fleet.namespace, busy), looks);
    const idle = async (): Promise<boolean> => {
      const ready = fleet.kubelet.pods().filter(({ status }) => status?.containerStatuses?.[0]?.ready === true);
      return ready.length === 3 && (await first?.pools())?.[0]?.wanted === 1;
    };
    await eventually(fleet, 'two that are not needed', idle, { timeoutMs: 90_000 });
    await letTimePass(6_000, 'they are known to be idle, and every delay before a shrink ends');
    // One is wanted, but by their looks the busy one would go.
    expect(await ask(fleet, 'jobs', leads)).toMatchObject({ status: 200, body: { replicas: 3 } });
    expect((await first?.pools())?.[0]?.wanted).toBe(1);
    expect(annotated(await podsOf(fleet, 'jobs'), DELETION_COST)).toEqual([busy]);
    expect(annotated(await podsOf(fleet, 'jobs'), DISRUPT)).toEqual([]);
    gate.open();
    await fleet.ledger.allEnded(long, 60_000);
    await eventually(fleet, 'zero', async () => (await ask(fleet, 'jobs', leads)).body.replicas === 0);
  });
});
