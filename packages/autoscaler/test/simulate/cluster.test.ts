import { describe, expect, it } from 'vitest';
import { createClock } from '../../src/simulate/clock.ts';
import { type Cluster, type ClusterOptions, createCluster } from '../../src/simulate/cluster.ts';
import { fixedScaler } from '../../src/simulate/fixed.ts';
import { lastBeat, type SimulatedPod } from '../../src/simulate/pod.ts';
import { simulate } from '../../src/simulate/simulate.ts';
import { options, tasksAt } from './sim-fixtures.ts';

/** A cluster that a test moves by hand. */
function cluster(changes: Partial<ClusterOptions> = {}): {
  cluster: Cluster;
  runTo: (second: number) => void;
  pod: (at: number) => SimulatedPod;
} {
  const clock = createClock();
  const made = createCluster(clock, { ...options(tasksAt([0, 0, 0, 0], 60)), ...changes });
  return {
    cluster: made,
    pod: (at) => made.pods[at] as SimulatedPod,
    runTo(second) {
      let reached = false;
      clock.at(second * 1_000, () => {
        reached = true;
      });
      while (!reached && clock.next());
    },
  };
}

describe('the simulated cluster', () => {
  it('begins as many tasks as there are slots, after the cold start, and the next as soon as one ends', () => {
    const one = simulate(options(tasksAt([0, 0, 0], 20), { slots: 2 }), fixedScaler(1));
    // Two at 30 s, the third at 50 s; one pod for 70 s.
    expect(one).toMatchObject({ waitP50S: 30, waitMaxS: 50, starts: 1, kills: 0, lost: 0, withinGoalRatio: 1 });
    expect(one.podHours).toBeCloseTo(70 / 3_600, 9);
  });

  it('kills at the end of the grace: what acknowledges late runs again, what acknowledged early is lost', () => {
    for (const ack of ['late', 'early'] as const) {
      const { cluster: at, runTo, pod } = cluster({ ack });
      at.grow(2);
      runTo(40);
      at.terminate(pod(0));
      runTo(69);
      expect(at.tally.kills).toBe(0);
      runTo(71);
      expect(at.tally).toMatchObject({ kills: 2, lost: ack === 'early' ? 2 : 0 });
      runTo(400);
      expect(at.tally.ended).toBe(ack === 'early' ? 2 : 4);
      // Late: two began at 30 s and, killed at 70 s, again when the other pod was free at 90 s. Early: the first pod had prefetched the other
      // two and gave them back at SIGTERM.
      expect(Math.max(...at.tally.waits)).toBe(ack === 'early' ? 40_000 : 90_000);
    }
  });

  it('hands a killed task out again only after the visibility timeout', () => {
    const { cluster: at, runTo, pod } = cluster({ redeliveryMs: 600_000 });
    at.grow(2);
    runTo(40);
    at.terminate(pod(1));
    runTo(1_000);
    expect(Math.max(...at.tally.waits)).toBe(670_000);
  });

  it('gives back at SIGTERM what was prefetched and lets the running end within the grace', () => {
    const { cluster: at, runTo, pod } = cluster({ prefetch: 4, graceMs: 600_000 });
    at.grow(1);
    runTo(31);
    expect([pod(0).running.size, pod(0).reserved.length, at.queues[0]?.length]).toEqual([2, 2, 0]);
    at.terminate(pod(0));
    expect([at.replicas, at.pods.length, at.queues[0]?.length]).toEqual([0, 1, 2]);
    runTo(91);
    expect([at.pods.length, at.tally.ended, at.tally.kills]).toEqual([0, 2, 0]);
  });

  it('holds beside what runs as much as Celery does when it acknowledges early', () => {
    const { cluster: at, runTo, pod } = cluster({ ack: 'early' });
    at.grow(1);
    runTo(31);
    expect([pod(0).running.size, pod(0).reserved.length]).toEqual([2, 2]);
  });

  it('gives a cordoned pod nothing until it is taken back', () => {
    const { cluster: at, runTo, pod } = cluster();
    at.grow(1);
    at.cordon(pod(0), true);
    runTo(60);
    expect(pod(0).running.size).toBe(0);
    at.cordon(pod(0), false);
    expect(pod(0).running.size).toBe(2);
  });

  it('shows of a pod what its last heartbeat said, not what it does', () => {
    const { cluster: at, runTo, pod } = cluster({ arrivals: tasksAt([0, 31.5], 60) });
    at.grow(1);
    runTo(31.9);
    expect(pod(0).running.size).toBe(2);
    expect(lastBeat(pod(0), 31_900)).toEqual({ atMs: 30_000, active: 0, reserved: 0, begun: 0 });
    runTo(32);
    expect(lastBeat(pod(0), 32_000)).toEqual({ atMs: 32_000, active: 2, reserved: 0, begun: 2 });
  });

  it('counts changes of direction and gives up on a task that is killed for ever', () => {
    const endless = {
      name: 'killer',
      rest: 0,
      start: (at: Cluster) => {
        const again = (): void => {
          at.grow(1);
          at.clock.at(at.clock.nowMs + 40_000, () => {
            const [pod] = at.pods;
            if (pod !== undefined) at.terminate(pod);
          });
          at.clock.at(at.clock.nowMs + 80_000, again);
        };
        again();
      },
    };
    const result = simulate(options(tasksAt([0], 600)), endless);
    expect(result.lost).toBe(1);
    expect(result.withinGoalRatio).toBe(0);
    expect(result.kills).toBeGreaterThan(1_000);
    expect(result.reversals).toBeGreaterThan(2_000);
  });
});
